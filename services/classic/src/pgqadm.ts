// pgqadm.py: what skytools 2.1 understood, on Millrace's engine.
import { ProviderDaemon } from './daemons/provider-daemon.ts';
import { main, type Tool } from './program/tool.ts';
import { configOf } from './settings/service-config.ts';
import { readTicker, type TickerSettings } from './settings/settings.ts';
import { queueVerbs } from './verbs/queue-verbs.ts';

const example = `[pgqadm]
job_name = ticker

db = dbname=foo host=127.0.0.1 port=5555

# how often to check for activity at least [secs]
loop_delay = 0.5

logfile = %(job_name)s.log
pidfile = %(job_name)s.pid

# a bus of your own instead of a nats-server that only this machine can reach
#bus_url = nats://127.0.0.1:4222`;

const pgqadm: Tool<TickerSettings> = {
  name: 'pgqadm',
  example,
  read: (file, set) => readTicker(file, { set }),
  daemon: {
    usage: 'ticker',
    summary: 'run all of the provider side, until stopped',
    make: (settings, log) => new ProviderDaemon(settings, log),
  },
  auditedBy: ({ providerUrl, dataDir, file }, [queue]) =>
    configOf({ ...(queue === undefined ? {} : { queue }), providerUrl, dataDir }, file),
  verbs: queueVerbs,
};

await main(pgqadm);
