// Users of the bus as a NATS server takes them. Secrets are placeholders, and are never in what Millrace prints.
import { createHash } from 'node:crypto';
import type { BusUser } from './bus-permissions.ts';

/** `users`: for a server of our own; `account`: for one that others use as well; `nsc`: for one with JWTs. */
export const permissionFormats = ['users', 'account', 'nsc'] as const;

export type PermissionFormat = (typeof permissionFormats)[number];

/** How a user shows who it is. */
export const permissionLogins = ['password', 'nkey'] as const;

export type PermissionLogin = (typeof permissionLogins)[number];

export interface ShownPermissions {
  readonly queue: string;
  readonly users: readonly BusUser[];
  readonly format: PermissionFormat;
  readonly login: PermissionLogin;
}

/** The text of the format, without a newline at its end. */
export function showPermissions({ queue, users, format, login }: ShownPermissions): string {
  if (format === 'nsc') return users.map((user) => nscUser(queue, user)).join('\n\n');
  const list = ['users = [', ...users.flatMap((user) => indent(confUser(user, login))), ']'];
  const lines =
    format === 'users'
      ? ['authorization {', ...indent(list), '}']
      : ['accounts {', ...indent([`${quoted(queue)} {`, ...indent(['jetstream: enabled', ...list]), '}']), '}'];
  return [...heading(login), ...lines].join('\n');
}

function heading(login: PermissionLogin): string[] {
  return [
    '# Include this in nats-server.conf. What begins with $ is read from the environment of nats-server, or is replaced by hand:',
    login === 'password'
      ? '# a password, or its bcrypt hash from `nats server passwd` in quotes; one that consists of digits only wants quotes as well.'
      : '# the public key, U…, of a pair made by `nk -gen user -pubout`; the seed goes into the file named by bus.credentials.',
  ];
}

function confUser(user: BusUser, login: PermissionLogin): string[] {
  const secret = placeholder(user, login === 'password' ? 'PASSWORD' : 'NKEY');
  return [
    '{',
    ...indent([
      ...(login === 'password' ? [`user: ${quoted(user.name)}`, `password: ${secret}`] : [`nkey: ${secret}`]),
      'permissions: {',
      ...indent([...subjects('publish', user.publish), ...subjects('subscribe', user.subscribe)]),
      '}',
    ]),
    '}',
  ];
}

function subjects(what: string, list: readonly string[]): string[] {
  return [`${what}: [`, ...indent(list.map(quoted)), ']'];
}

function nscUser(queue: string, { name, publish, subscribe }: BusUser): string {
  const list = (option: string, all: readonly string[]) => `  ${option} ${shellQuoted(all.join(','))}`;
  return [
    `nsc add user --account ${shellQuoted(queue)} --name ${shellQuoted(name)} \\`,
    `${list('--allow-pub', publish)} \\`,
    list('--allow-sub', subscribe),
  ].join('\n');
}

/** A variable of the environment: names that differ in other characters only get a mark. */
function placeholder({ name }: BusUser, kind: string): string {
  const plain = name.toUpperCase().replace(/[^A-Z0-9]/g, '_');
  const isUnique = /^[a-z0-9]+(\.[a-z0-9]+)*$/.test(name);
  const mark = isUnique ? '' : `_${createHash('sha256').update(name).digest('hex').slice(0, 6).toUpperCase()}`;
  return `$MILLRACE_${plain}${mark}_${kind}`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
