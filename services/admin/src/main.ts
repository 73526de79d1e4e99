// Admin as a process: configuration, wiring, run.
import { startFromArgs } from '@millrace/config';
import { runMain, runUntilSignalled } from '@millrace/lifecycle';
import { Admin } from './admin.ts';

await runMain('admin', async () => {
  await runUntilSignalled(new Admin(startFromArgs('admin')));
});
