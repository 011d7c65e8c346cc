import type { Command } from 'commander';
import { type ApiOptions, addApiOptions, deviceArgument, openApi } from './api-options.js';
import { readHostKeys, writeKeys } from './device-options.js';

function addKeyAdd(key: Command): void {
  addApiOptions(key.command('add'))
    .summary('let a device prove another host key')
    .description(
      'Adds host keys to those by which a device is known, and prints those that it has then. It is let in with each of ' +
        'them. Its connection goes on.',
    )
    .argument('<device>', 'its id', deviceArgument)
    .requiredOption('--host-key <file>', 'its public host keys, one a line; - is standard input')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device key add router1 --host-key new.pub`,
    )
    .action(async (id: string, options: ApiOptions & { hostKey: string }) => {
      const addKeys = await readHostKeys(options.hostKey, id);
      const changed = await (await openApi(options)).changeDevice(id, { addKeys }, false);
      await writeKeys(changed.hostKeys);
    });
}

function addKeyRemove(key: Command): void {
  addApiOptions(key.command('remove'))
    .summary('take a host key away from a device')
    .description(
      'Takes a host key away: the device is not let in with it any more, and a connection that it opened with it ends. ' +
        'Prints the keys that are left.',
    )
    .argument('<device>', 'its id', deviceArgument)
    .argument('<fingerprint>', "the key's, as `device show` has it: SHA256:…")
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device key remove router1 SHA256:7B8Jo6h/rlQX0YoeSzsm9NVt1z7eem5rnlTjmTFIvSw`,
    )
    .action(async (id: string, fingerprint: string, options: ApiOptions) => {
      const changed = await (await openApi(options)).changeDevice(id, { removeKeys: [fingerprint] }, false);
      await writeKeys(changed.hostKeys);
    });
}

/** `device key`: the host keys by which a device is known. */
export function addDeviceKey(device: Command): void {
  const key = device
    .command('key')
    .summary("add or remove a device's host keys")
    .description(
      'Adds and removes the host keys by which a device is known. To replace one, add the new key, change it on the ' +
        'device, and remove the old one once `device show` tells that the new one was proved: until then both are good.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device key add router1 --host-key new.pub
  $ callhome-nms device show router1 | grep knownHostKey
  $ callhome-nms device key remove router1 SHA256:7B8Jo6h/rlQX0YoeSzsm9NVt1z7eem5rnlTjmTFIvSw`,
    );
  addKeyAdd(key);
  addKeyRemove(key);
}
