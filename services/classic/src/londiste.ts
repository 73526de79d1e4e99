// londiste.py: what skytools 2.1 understood, on Millrace's engine.

import { ReplayDaemon } from './daemons/replay-daemon.ts';
import { main, type Tool } from './program/tool.ts';
import { configOf } from './settings/service-config.ts';
import { type ReplicaSettings, readReplica } from './settings/settings.ts';
import { providerVerbs } from './verbs/provider-verbs.ts';
import { subscriberVerbs } from './verbs/subscriber-verbs.ts';

const example = `[londiste]
job_name = lmaster_to_slave

provider_db = dbname=foo host=127.0.0.1 port=5555
subscriber_db = dbname=foo host=127.0.0.1 port=5556

pgq_queue_name = londiste.write

logfile = %(job_name)s.log
pidfile = %(job_name)s.pid

# the bus, if it is not to be asked of the provider
#bus_url = nats://127.0.0.1:4222`;

const londiste: Tool<ReplicaSettings> = {
  name: 'londiste',
  example,
  read: (file, set) => readReplica(file, { set }),
  daemon: {
    usage: 'replay',
    summary: 'apply the changes, until stopped',
    make: (settings, log) => new ReplayDaemon(settings, log),
  },
  auditedBy: ({ queue, providerUrl, dataDir, file }) => configOf({ queue, providerUrl, dataDir }, file),
  verbs: { ...providerVerbs, ...subscriberVerbs },
};

await main(londiste);
