import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EmbeddedPostgres } from '@millrace/embedded';
import { waitFor } from '@millrace/testkit';
import type { Database } from '../harness/database.ts';
import { JetStreamHand } from '../harness/jetstream.ts';
import { pause } from '../harness/pause.ts';
import type { Random } from '../harness/random.ts';
import type { ServiceProcess } from '../harness/service-process.ts';
import type { Site } from '../harness/site.ts';

/** Where actions happen. `busy` holds what some action has in its hands, so that two never pull at one thing. */
export interface Scene {
  readonly site: Site;
  readonly random: Random;
  readonly busy: Set<unknown>;
  /** A copy of the JetStream store from a while ago. */
  readonly oldStore: { takenAt: number | undefined };
}

/** Does one thing; gives what it did as seen from outside, or undefined when it could not. */
type Action = (scene: Scene) => Promise<string | undefined>;

export const actions = {
  'kill service': killService,
  'freeze service': freezeService,
  'start standby': startStandby,
  'kill bus': killBus,
  'freeze bus': freezeBus,
  'wipe store': wipeStore,
  'roll back store': rollBackStore,
  'purge stream': (scene) => onStream(scene, async (hand, stream) => hand.purge(stream)),
  'delete stream': (scene) => onStream(scene, async (hand, stream) => hand.deleteStream(stream)),
  'delete message': deleteMessage,
  'delete consumers': (scene) => onStream(scene, async (hand, stream) => void (await hand.deleteConsumers(stream))),
  'crash provider': (scene) => crash(scene, scene.site.plan.provider),
  'crash subscriber': (scene) => crash(scene, scene.random.pick(Object.values(scene.site.plan.subscribers))),
  'freeze database': freezeDatabase,
  'end session': endSession,
} as const satisfies Record<string, Action>;

export type ActionName = keyof typeof actions;

/** How often each comes. */
export const chaosWeights: Readonly<Record<ActionName, number>> = {
  'kill service': 34,
  'freeze service': 14,
  'start standby': 8,
  'kill bus': 10,
  'freeze bus': 4,
  'wipe store': 4,
  'roll back store': 12,
  'purge stream': 4,
  'delete stream': 2,
  'delete message': 6,
  'delete consumers': 2,
  'crash provider': 5,
  'crash subscriber': 7,
  'freeze database': 4,
  'end session': 8,
};

async function holding(
  scene: Scene,
  thing: unknown,
  work: () => Promise<string | undefined>,
): Promise<string | undefined> {
  if (scene.busy.has(thing)) return undefined;
  scene.busy.add(thing);
  try {
    return await work();
  } finally {
    scene.busy.delete(thing);
  }
}

function pickRunning({ site, random, busy }: Scene): ServiceProcess | undefined {
  const running = [...site.services.values()].filter((service) => service.isRunning && !busy.has(service));
  return running.length === 0 ? undefined : random.pick(running);
}

async function killService(scene: Scene): Promise<string | undefined> {
  const service = pickRunning(scene);
  if (service === undefined) return undefined;
  return holding(scene, service, async () => {
    const pid = service.pid;
    await service.kill();
    await pause(scene.random.int(0, 1500));
    service.start();
    return service.pid === pid ? undefined : `${service.plan.label}: ${pid} is now ${service.pid}`;
  });
}

async function freezeService(scene: Scene): Promise<string | undefined> {
  const service = pickRunning(scene);
  if (service === undefined) return undefined;
  return holding(scene, service, async () => {
    const ms = scene.random.int(300, 5000);
    service.signal('SIGSTOP');
    await pause(ms);
    service.signal('SIGCONT');
    return `${service.plan.label} for ${ms} ms`;
  });
}

async function startStandby({ site, random }: Scene): Promise<string | undefined> {
  const kind = random.pick(site.kinds);
  const standby = site.service(kind, 'standby');
  if (standby.isRunning) {
    await standby.kill();
    return `${kind}: no standby any more`;
  }
  standby.start();
  return `${kind}: a standby, process ${standby.pid}`;
}

async function killBus(scene: Scene): Promise<string | undefined> {
  const { nats } = scene.site.ground;
  return holding(scene, nats, async () => {
    const pid = nats.pid;
    await nats.kill('SIGKILL');
    await pause(scene.random.int(0, 2000));
    await nats.start();
    return `process ${pid} is now ${nats.pid}`;
  });
}

async function freezeBus(scene: Scene): Promise<string | undefined> {
  const { nats } = scene.site.ground;
  return holding(scene, nats, async () => {
    const ms = scene.random.int(300, 5000);
    await nats.kill('SIGSTOP');
    await pause(ms);
    await nats.kill('SIGCONT');
    return `for ${ms} ms`;
  });
}

async function wipeStore(scene: Scene): Promise<string | undefined> {
  const { nats } = scene.site.ground;
  return holding(scene, nats, async () => {
    await nats.kill('SIGKILL');
    rmSync(nats.storeDir, { recursive: true, force: true });
    await nats.start();
    return 'store removed';
  });
}

const oldStoreDir = (scene: Scene): string => join(scene.site.ground.nats.dir, 'jetstream.old');

/** Takes the copy that `roll back store` puts back later; the server stands still meanwhile. */
export async function rememberStore(scene: Scene): Promise<void> {
  const { nats } = scene.site.ground;
  await holding(scene, nats, async () => {
    if (!existsSync(nats.storeDir)) return undefined;
    await nats.kill('SIGSTOP');
    try {
      rmSync(oldStoreDir(scene), { recursive: true, force: true });
      cpSync(nats.storeDir, oldStoreDir(scene), { recursive: true });
      scene.oldStore.takenAt = performance.now();
    } finally {
      await nats.kill('SIGCONT');
    }
    return undefined;
  });
}

async function rollBackStore(scene: Scene): Promise<string | undefined> {
  const { nats } = scene.site.ground;
  const { takenAt } = scene.oldStore;
  if (takenAt === undefined || performance.now() - takenAt < 10_000) return undefined;
  return holding(scene, nats, async () => {
    await nats.kill('SIGKILL');
    rmSync(nats.storeDir, { recursive: true, force: true });
    cpSync(oldStoreDir(scene), nats.storeDir, { recursive: true });
    await nats.start();
    return `by ${Math.round((performance.now() - takenAt) / 1000)} s`;
  });
}

async function onStream(
  scene: Scene,
  work: (hand: JetStreamHand, stream: string) => Promise<void>,
): Promise<string | undefined> {
  const { nats } = scene.site.ground;
  return holding(scene, nats, async () => {
    const hand = new JetStreamHand(nats.url);
    const streams = await hand.streams();
    if (streams.length === 0) return undefined;
    const stream = scene.random.pick(streams).config.name;
    await work(hand, stream);
    return stream;
  });
}

async function deleteMessage(scene: Scene): Promise<string | undefined> {
  const { nats } = scene.site.ground;
  return holding(scene, nats, async () => {
    const hand = new JetStreamHand(nats.url);
    const stream = (await hand.streams()).find(({ config }) => config.name === `millrace_${scene.site.plan.name}`);
    if (stream === undefined || stream.state.messages === 0) return undefined;
    const { first_seq, last_seq } = stream.state;
    // Most of the time one that is still wanted.
    const seq = scene.random.chance(0.7) ? last_seq : scene.random.int(first_seq, last_seq);
    return (await hand.deleteMessage(stream.config.name, seq)) ? `message ${seq} of ${last_seq}` : undefined;
  });
}

async function crash(scene: Scene, label: string): Promise<string | undefined> {
  const server: EmbeddedPostgres = scene.site.ground.server(label);
  return holding(scene, server, async () => {
    const pid = server.pid;
    await server.kill('SIGKILL');
    await pause(scene.random.int(0, 2000));
    await server.start();
    return `${label}: postmaster ${pid} is now ${server.pid}`;
  });
}

async function freezeDatabase(scene: Scene): Promise<string | undefined> {
  const { plan, ground } = scene.site;
  const label = scene.random.pick([plan.provider, ...Object.values(plan.subscribers)]);
  const server = ground.server(label);
  return holding(scene, server, async () => {
    const ms = scene.random.int(300, 6000);
    await server.kill('SIGSTOP');
    await pause(ms);
    await server.kill('SIGCONT');
    return `${label} for ${ms} ms`;
  });
}

async function endSession({ site, random }: Scene): Promise<string | undefined> {
  const databases: Database[] = [site.provider, ...site.subscribers.values()];
  const database = random.pick(databases);
  const [row] = await database.rows(
    `SELECT pid, application_name, pg_terminate_backend(pid) AS done FROM pg_stat_activity
     WHERE application_name LIKE 'millrace%' AND datname = current_database() ORDER BY random() LIMIT 1`,
  );
  return row?.['done'] === true ? String(row['application_name']) : undefined;
}

/** Brings everything back that an action may have left down or frozen, one of each service. */
export async function restore({ site }: Scene): Promise<void> {
  const { ground, plan } = site;
  const servers = [plan.provider, ...Object.values(plan.subscribers)].map((label) => ground.server(label));
  for (const server of [ground.nats, ...servers]) {
    await server.kill('SIGCONT');
    await server.start();
  }
  for (const service of site.services.values()) service.signal('SIGCONT');
  site.startServices();
  await waitFor('all services run', () => site.kinds.every((kind) => site.service(kind).isRunning));
}
