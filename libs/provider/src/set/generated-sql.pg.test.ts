import { describe, expect, test } from 'vitest';
import { captureSamples, captureText, expectText, functionText, payloadSamples } from '../../test/generated-sql.ts';
import { ownedDatabase, value } from '../../test/owned-database.ts';
import { installProvider } from '../mod.ts';

// The expected texts are those of both versions. `MILLRACE_RENEW=1 npm test -- libs/provider/src/set/generated-sql.pg.test.ts`
// writes them again; read the difference before it is committed.
const plain = `SET search_path = public; SET quote_all_identifiers = off; SET standard_conforming_strings = on;
  SET client_min_messages = warning`;
const insertEvent = 'pgq.insert_event(text,text,text,text,text,text,text)';

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('the capture functions and triggers of a table are word for word the expected ones', async () => {
    const client = await (await ownedDatabase(major)).open();
    await installProvider(client);
    await client.query(plain);
    await client.query(`SELECT millrace.create_set('main')`);
    const samples = captureSamples.filter((sample) => (sample.since ?? 0) <= major);
    for (const sample of samples) {
      await client.query(sample.schema);
      await client.query(`SELECT millrace.add_table('main', $1::regclass)`, [sample.table]);
      await expectText(`capture-${sample.name}`, await captureText(client, sample.table));
    }
    await expectText(
      'queue-functions',
      await functionText(client, ['millrace.current_table_1()', 'millrace.unread_1(bigint, bigint[])']),
    );
  });

  test('insert_event is word for word the expected one, without queues, with one and with three', async () => {
    const client = await (await ownedDatabase(major)).open();
    await installProvider(client);
    await client.query(plain);
    const before = await functionText(client, [insertEvent]);
    await expectText('insert-event-without-queues', before);
    await client.query(`SELECT pgq.create_queue('one')`);
    await expectText('insert-event-one-queue', await functionText(client, [insertEvent]));
    await client.query(`SELECT pgq.create_queue('two'); SELECT pgq.create_queue('{{three}}')`);
    await expectText('insert-event-three-queues', await functionText(client, [insertEvent]));
    for (const queue of ['one', 'two', '{{three}}']) await client.query('SELECT pgq.drop_queue($1)', [queue]);
    expect(await functionText(client, [insertEvent])).toBe(before);
  });

  test('payload functions are word for word the expected ones, the general and the specialised', async () => {
    const client = await (await ownedDatabase(major)).open();
    await installProvider(client);
    await client.query(plain);
    await expectText(
      'payload-general',
      await functionText(client, ['pgq.jsontriga()', 'pgq.logutriga()', 'pgq.sqltriga()', 'pgq.logtriga()']),
    );
    for (const sample of payloadSamples) {
      await client.query(`BEGIN; ${sample.schema}; CREATE TRIGGER sample ${sample.timing} INSERT OR UPDATE OR DELETE ON ${sample.table}
        FOR EACH ROW EXECUTE FUNCTION pgq.${sample.kind}('queue'${sample.args})`);
      const name = await value(client, 'SELECT pgq.specialise_trigger($1, $2)', [sample.table, 'sample']);
      await expectText(`payload-${sample.name}`, await functionText(client, [`${name}()`]));
      await client.query('ROLLBACK');
    }
  });
});
