import { Side } from '@millrace/control/sides';
import { codes, toMillraceError } from '@millrace/errors';
import { readBusAddress } from '@millrace/provider';

/** Where the provider says that the bus is; undefined when it says nothing, or nothing of ours is there yet. */
export async function recordedBus(providerUrl: string): Promise<string | undefined> {
  const side = await Side.open(providerUrl, 'the provider');
  try {
    return await side.run(() => readBusAddress(side.client));
  } catch (error) {
    const { code } = toMillraceError(error);
    if (code === codes.NOT_INSTALLED || code === codes.NOT_FOUND) return undefined;
    throw error;
  } finally {
    await side.close();
  }
}
