import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedNats, freePort } from '@millrace/embedded';
import { whenTestFinishes } from './databases.ts';
import { makeScratchDir } from './servers.ts';

/** Three nats-servers with JetStream that are one cluster, each of which can be killed, frozen, or robbed of its disk. */
export class NatsCluster {
  /** By number; their names at the cluster are those of `serverName`. */
  readonly nodes: readonly EmbeddedNats[];

  private constructor(nodes: readonly EmbeddedNats[]) {
    this.nodes = nodes;
  }

  /** Starts it; inside a test it goes away when the test ends, else the caller ends it. */
  static async start(dir = makeScratchDir('nats-cluster')): Promise<NatsCluster> {
    const ports: number[] = [];
    const routes: number[] = [];
    for (let at = 0; at < 3; at += 1) {
      ports.push(await freePort());
      routes.push(await freePort());
    }
    const to = routes.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
    const nodes = routes.map((route, at) => {
      const configExtra = `cluster { name: test, listen: "127.0.0.1:${route}", routes: [${to}] }`;
      return new EmbeddedNats({ dir: join(dir, `node-${at}`), port: ports[at] ?? 0, configExtra });
    });
    const cluster = new NatsCluster(nodes);
    whenTestFinishes(() => cluster.end());
    await Promise.all(nodes.map((node) => node.start()));
    return cluster;
  }

  /** URL of the bus, with all nodes. */
  url(replicas: 1 | 3): string {
    return `${this.nodes.map(({ url }) => url).join(',')}?replicas=${replicas}`;
  }

  /** The node with this name at the cluster. */
  named(name: string): EmbeddedNats {
    const found = this.nodes.find((node) => name.endsWith(`-${node.port}`));
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  /** Kills a node and takes its disk; it is down afterwards. */
  async loseDisk(node: EmbeddedNats): Promise<void> {
    await node.kill('SIGKILL');
    await rm(node.storeDir, { recursive: true, force: true });
  }

  async end(): Promise<void> {
    for (const node of this.nodes) {
      await node.kill('SIGKILL');
      await node.stop();
    }
  }
}
