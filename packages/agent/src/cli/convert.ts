import { readInput } from '@callhome/shared/cli/input.js';
import { writeResult } from '@callhome/shared/cli/output.js';
import { exitStatus } from '@callhome/shared/cli/run-program.js';
import { agentMembers } from '@callhome/shared/config/agent-config.js';
import type { Credentials } from '@callhome/shared/config/agent-document.js';
import { members } from '@callhome/shared/config/configuration.js';
import { maxConfigBytes, readDocument } from '@callhome/shared/config/document.js';
import { unsupportedSettings } from '@callhome/shared/config/examine.js';
import { findingLines } from '@callhome/shared/config/finding.js';
import type { Fields } from '@callhome/shared/config/yang/node.js';
import { member } from '@callhome/shared/config/yang/path.js';
import { writeXml } from '@callhome/shared/config/yang/xml.js';
import { withHashedPasswords } from '@callhome/shared/convert/hashed-passwords.js';
import { formOf, type Imported, importDocument } from '@callhome/shared/convert/import.js';
import { junosFromModel } from '@callhome/shared/convert/junos/from-model.js';
import { writeJunos } from '@callhome/shared/convert/junos/write.js';
import { lossLines } from '@callhome/shared/convert/loss.js';
import { readTextFile, writeNewFile } from '@callhome/shared/files.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { publicKeysFromText } from '@callhome/shared/ssh/public-key.js';
import { type Command, Option } from 'commander';
import { parseUser } from './init.js';

interface ConvertOptions {
  readonly to: 'json' | 'xml' | 'junos';
  readonly out?: string;
  readonly nmsKey?: string;
  readonly user: string;
  readonly lossy?: true;
}

interface Converted extends Pick<Imported, 'losses' | 'notes'> {
  readonly text: string;
}

async function readAny(text: string, file: string, options: ConvertOptions): Promise<Imported> {
  const form = formOf(text);
  if (form === 'model') return { document: readDocument(text, file), losses: [], notes: [] };
  const { nmsKey, user } = options;
  const userKeys =
    nmsKey === undefined ? [] : publicKeysFromText(await readTextFile(nmsKey, 1024 * 1024), nmsKey);
  const credentials: Credentials = { hostKey: generateKeyPair(), user, userKeys };
  const imported = importDocument(text, form, file, credentials);
  const notes = [
    ...imported.notes,
    'the host key is a new one: `callhome-agent key` prints what the collector has to know',
    ...(nmsKey === undefined
      ? [`nobody can log in yet: give --nms-key, or add keys for the user ${user}`]
      : []),
  ];
  return { ...imported, notes };
}

/** What no stanza of outbound SSH is made of, beside the keys and users that Junos keeps elsewhere. */
const foreignToJunos = [
  ['ietf-netconf-server:netconf-server', 'listen'],
  ['ietf-netconf-client:netconf-client'],
  ['callhome-nms:nms'],
];

/** What the agent would refuse of the configuration if it ran on it as it is: none of it is an error of the conversion. */
function refusals(data: Fields, file: string): string[] {
  const unsupported = unsupportedSettings(data, agentMembers);
  return findingLines(file, data, unsupported).map(
    (line) => `\`callhome-agent run\` would refuse it: ${line}`,
  );
}

function writeAs(to: ConvertOptions['to'], data: Fields, file: string): Converted {
  const notes = refusals(data, file);
  if (to === 'json') return { text: `${JSON.stringify(data, null, 2)}\n`, losses: [], notes };
  if (to === 'xml') return { text: writeXml(members, data), losses: [], notes };
  const clients = member(data, 'ietf-netconf-server:netconf-server', 'call-home', 'netconf-client');
  const junos = junosFromModel(clients ?? []);
  const foreign = foreignToJunos
    .filter((names) => member(data, ...names) !== undefined)
    .map((names) => ({ path: `/${names.join('/')}`, text: 'has no place in a Junos configuration' }));
  return { ...junos, losses: [...foreign, ...junos.losses], text: writeJunos(junos.clients, Math.random) };
}

async function convert(file: string, options: ConvertOptions): Promise<void> {
  const imported = await readAny(await readInput(file, maxConfigBytes), file, options);
  const hashed = withHashedPasswords(imported.document, file);
  const written = writeAs(options.to, hashed.data, file);
  const losses = [...imported.losses, ...written.losses];
  for (const line of lossLines(file, losses)) process.stderr.write(`${line}\n`);
  if (losses.length > 0 && !options.lossy) {
    process.stderr.write('Nothing was written, because this would be lost. --lossy goes on all the same.\n');
    process.exitCode = exitStatus.failed;
    return;
  }
  for (const note of [...imported.notes, ...hashed.notes, ...written.notes])
    process.stderr.write(`note: ${note}\n`);
  if (options.out === undefined || options.out === '-') await writeResult(written.text);
  else await writeNewFile(options.out, written.text);
}

/** `convert`: from any form of configuration to another. */
export function addConvert(program: Command): void {
  program
    .command('convert')
    .summary('convert a configuration')
    .description(
      'Reads a configuration in JSON, XML, the XML form of 2014, or a Junos configuration (curly, `set` lines, or XML; with\n' +
        'the prompts around it, if need be), told apart by their contents, and writes it in another form, with its keys. What\n' +
        'cannot be expressed is named with its line or path, and then nothing is written unless --lossy is given. A value that\n' +
        'is out of range becomes the nearest one, with a note; notes also tell of what `callhome-agent run` does not do yet.\n' +
        'Passwords in clear text ($0$) become hashes.\n' +
        'Junos and the form of 2014 keep host keys and users elsewhere: converting from them makes a new host key and one user.',
    )
    .argument('<file>', 'the configuration; - is standard input')
    .addOption(
      new Option('--to <form>', 'the form to write').choices(['json', 'xml', 'junos']).makeOptionMandatory(),
    )
    .option('--out <file>', 'write to a new file, mode 0600, and not to standard output')
    .option('--nms-key <file>', "from Junos or 2014: the collector's public key, from `callhome-nms key`")
    .option(
      '--user <name>',
      'from Junos or 2014: the user that the collector logs in as',
      parseUser,
      'callhome',
    )
    .option('--lossy', 'write even if something is lost')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-agent convert agent.json --to xml
  $ callhome-agent convert router.conf --to json --nms-key collector.pub --out agent.json
  $ ssh router 'show configuration system services outbound-ssh' | callhome-agent convert - --to json --nms-key collector.pub`,
    )
    .action(convert);
}
