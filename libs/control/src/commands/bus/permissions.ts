import type { Config } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { z } from 'zod';
import type { Arguments, Command } from '../../command/command.ts';
import { subscriberOption } from '../../command/options.ts';
import {
  type BusUser,
  type BusUserRole,
  busUser,
  busUserOf,
  busUserRoles,
  isPerSubscriber,
} from '../../permissions/bus-permissions.ts';
import { permissionFormats, permissionLogins, showPermissions } from '../../permissions/show-permissions.ts';

export const busPermissions: Command = {
  name: 'bus permissions',
  summary: 'Print users for the NATS server, each with what its program needs on the bus and no more.',
  usage: '[--json] [--role ROLE…] [--subscriber NAME…] [--format users|account|nsc] [--login password|nkey]',
  example: 'millrace bus permissions --role provider host --format account',
  more:
    'Roles: ticker, capture and admin, or provider for all three where `millrace up` runs them with one configuration;\n' +
    'replay, or host for a replay together with the commands on its host. Default: all but provider and host. Passwords\n' +
    'and keys are placeholders. Connects to nothing.',
  options: {
    role: { type: 'string', multiple: true, value: 'ROLE', help: busUserRoles.join(', ') },
    ...subscriberOption,
    format: {
      type: 'string',
      value: 'FORMAT',
      help: 'users (default) or account, for nats-server.conf, or nsc, for servers with JWTs',
    },
    login: { type: 'string', value: 'LOGIN', help: 'password (default) or nkey; nsc has keys of its own' },
  },
  words: [0, 0],
  effect: 'reads',
  api: { result: z.strictObject({ queue: z.string(), users: z.array(busUser) }), guarded: true },
  run: async (context, args) => {
    const config = await context.config();
    const users = rolesOf(args).flatMap((role) => usersOf(config, role, args.values('subscriber')));
    const format = oneOf('format', permissionFormats, args.value('format'));
    const login = oneOf('login', permissionLogins, args.value('login'));
    context.result({ queue: config.queue, users }, showPermissions({ queue: config.queue, users, format, login }));
    return 0;
  },
};

const separate: readonly BusUserRole[] = ['ticker', 'capture', 'admin', 'replay'];

function rolesOf(args: Arguments): readonly BusUserRole[] {
  const named = args.values('role').map((role) => oneOf('role', busUserRoles, role));
  return named.length === 0 ? separate : [...new Set(named)];
}

function usersOf(
  { queue, bus: { domain }, subscribers }: Config,
  role: BusUserRole,
  named: readonly string[],
): BusUser[] {
  if (!isPerSubscriber(role)) return [busUserOf({ queue, role, domain })];
  const names = named.length === 0 ? Object.keys(subscribers) : named;
  return names.map((subscriber) => {
    if (!/^[a-z0-9_-]{1,63}$/i.test(subscriber)) {
      throw new MillraceError(codes.USAGE, `${JSON.stringify(subscriber)} cannot be the name of a subscriber`);
    }
    return busUserOf({ queue, role, domain, subscriber });
  });
}

/** The first is the default. Throws USAGE. */
function oneOf<T extends string>(option: string, known: readonly [T, ...T[]], value: string | undefined): T {
  if (value === undefined) return known[0];
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new MillraceError(codes.USAGE, `--${option} is ${known.join(', ')}, and not ${JSON.stringify(value)}`);
}
