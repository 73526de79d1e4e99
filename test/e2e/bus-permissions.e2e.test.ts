// Every program connects to the bus as a user of its own that may do what `millrace bus permissions` prints, and no more:
// all works; and what a user was not given is refused by the server, tried cell by cell.
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type CommandSite, makeSite } from '@millrace/control/testing';
import { projectRoot } from '@millrace/host';
import { eventually, query, startOwnNats } from '@millrace/testkit';
import { connect, errors } from '@nats-io/transport-node';
import { expect, onTestFinished, test } from 'vitest';

/** A user as the command prints it with --json. */
interface BusUser {
  readonly name: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const roles = ['ticker', 'capture', 'admin', 'provider', 'replay', 'host'];

function serve(site: CommandSite, ...words: string[]): void {
  const child = spawn(join(projectRoot, 'bin', 'millrace'), ['--config', site.config.file, ...words], {
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
}

const passwordOf = (name: string): string => `pw-${name}`;

/** The text as an operator completes it: secrets in the place of the variables. */
function withPasswords(text: string, users: readonly BusUser[]): string {
  const names = users.map(({ name }) => name);
  let at = 0;
  return text.replace(/password: \$\w+/g, () => `password: ${JSON.stringify(passwordOf(names[at++] ?? ''))}`);
}

/** The first token of a wildcard that a client would use. */
const concrete = (subject: string): string => subject.replace(/\*/g, 'x').replace(/>$/, 'x.y');

function covers(pattern: string, subject: string): boolean {
  const [want, is] = [pattern.split('.'), subject.split('.')];
  if (want.at(-1) === '>')
    return is.length >= want.length && covers(want.slice(0, -1).join('.'), is.slice(0, want.length - 1).join('.'));
  return want.length === is.length && want.every((token, at) => token === '*' || token === is[at]);
}

test('with the printed permissions all works, and nothing else is allowed', async () => {
  const site = await makeSite({ names: ['eu', 'us'] });
  const { queue } = site;
  const names = ['--subscriber', 'eu', 'us'];
  const printed = await site.do('bus permissions', '--role', ...roles, ...names);
  const { users } = printed.document as { users: BusUser[] };
  const nats = await startOwnNats({ configExtra: withPasswords(printed.text, users) });
  const urlFor = (name: string) => nats.url.replace('//', `//${name}:${passwordOf(name)}@`);
  const host = (name: string, near: boolean) =>
    site.host({
      provider: near,
      withUrl: near ? [] : ['eu'],
      without: near ? ['eu'] : [],
      bus: urlFor(`${queue}.${name}`),
    });
  const [near, far] = [host('admin', true), host('host.eu', false)];

  await site.everywhere('CREATE TABLE entry (id serial PRIMARY KEY, item text)');
  await query(site.provider, "INSERT INTO entry (item) SELECT 'old ' || n FROM generate_series(1, 1000) n");
  await near.do('install');
  await far.do('install');
  serve(host('ticker', true), 'run', 'ticker');
  serve(host('capture', true), 'run', 'capture');
  serve(host('replay.eu', false), 'run', 'replay', 'eu');
  await near.do('add', 'entry');
  await far.do('add', 'entry');
  const arrived = async (n: number) => {
    await eventually(async () => (await near.run('wait', '--timeout', '20s')).code === 0 || null, {
      timeoutMs: 40_000,
    });
    expect(await query(site.subscribers['eu'] ?? '', 'SELECT count(*)::int AS n FROM entry')).toEqual([{ n }]);
  };
  await arrived(1000);
  for (const side of [near, far]) {
    expect((await side.do('status')).document).toMatchObject({
      ok: true,
      subscribers: [{ name: 'eu', state: 'running' }],
    });
    expect((await side.do('doctor')).document).toMatchObject({ not_checked: expect.anything(), errors: 0 });
  }
  // The bus loses everything.
  await nats.kill('SIGKILL');
  await rm(nats.storeDir, { recursive: true });
  await nats.start();
  await query(site.provider, "INSERT INTO entry (item) VALUES ('new')");
  await arrived(1001);
  await near.do('resync', 'entry', '--yes');
  await far.do('resync', 'entry', '--yes');
  await arrived(1001);

  const forbidden = await tryAll(users, urlFor, queue);
  expect(forbidden).toEqual([]);
  await far.do('unregister', 'eu', '--yes');
  await near.do('unregister', 'eu', '--yes');
});

/** Every user tries what every other may do, and what nobody may. The cells that are not as granted. */
async function tryAll(users: readonly BusUser[], urlFor: (name: string) => string, queue: string): Promise<string[]> {
  const everywhere = ['>', 'millrace.>', '_INBOX.>', '$JS.API.>', `$KV.millrace_${queue}.>`, '$SYS.>'];
  const publish = new Set(users.flatMap((one) => one.publish).map(concrete));
  for (const more of [`millrace.${queue}x.batch`, '$JS.API.STREAM.LIST', '$JS.API.STREAM.DELETE.KV_other', 'x'])
    publish.add(more);
  const subscribe = new Set([...users.flatMap((one) => one.subscribe), ...everywhere]);
  const wrong: string[] = [];
  for (const user of users) {
    const connection = await connect({
      servers: urlFor(user.name).replace(/.*@/, ''),
      user: user.name,
      pass: passwordOf(user.name),
    });
    const refused = new Set<string>();
    void (async () => {
      for await (const status of connection.status()) {
        if (status.type !== 'error' || !(status.error instanceof errors.PermissionViolationError)) continue;
        refused.add(`${status.error.operation} ${status.error.subject}`);
      }
    })();
    const isGranted = new Map<string, boolean>();
    for (const subject of publish) {
      // It would end what the others need.
      if (/STREAM\.(DELETE|PURGE)/.test(subject) && user.publish.includes(subject)) continue;
      connection.publish(subject, '{"no":"message"}');
      const granted = user.publish.some((pattern) => covers(pattern, subject));
      isGranted.set(`publish ${subject}`, granted);
    }
    for (const subject of subscribe) {
      connection.subscribe(subject, { callback: () => {} });
      isGranted.set(`subscription ${subject}`, user.subscribe.includes(subject));
    }
    await connection.flush();
    await setImmediate();
    for (const [what, granted] of isGranted) if (refused.has(what) === granted) wrong.push(`${user.name}: ${what}`);
    await connection.close();
  }
  return wrong;
}
