export { type CommandSite, makeSite } from './command-site.ts';
