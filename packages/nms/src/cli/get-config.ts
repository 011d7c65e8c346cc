import { type Command, InvalidArgumentError } from 'commander';
import { maxOperation } from '../northbound/rpc.js';
import { deviceArgument } from './api-options.js';
import { readInput } from './input.js';
import { addOperationOptions, type OperationOptions, runOperation } from './operation.js';

interface GetConfigOptions extends OperationOptions {
  readonly source: string;
  readonly filter?: string;
}

function datastore(text: string): string {
  if (!/^[A-Za-z_][\w.-]*$/.test(text)) throw new InvalidArgumentError('It must be the name of a datastore.');
  return text;
}

/** `<get-config>` (RFC 6241 §7.1); `filter` is a `<filter>` or its content, perhaps with an XML declaration. */
function getConfig(source: string, filter: string | undefined): string {
  const content = filter?.replace(/^\uFEFF?\s*(<\?xml\s[^>]*\?>)?\s*/, '') ?? '';
  const isWhole = content === '' || /^<([\w.-]+:)?filter[\s/>]/.test(content);
  const element = isWhole ? content : `<filter type="subtree">${content}</filter>`;
  return `<get-config><source><${source}/></source>${element}</get-config>`;
}

/** `get-config`: a device's configuration. */
export function addGetConfig(program: Command): void {
  addOperationOptions(program.command('get-config'))
    .summary("print a device's configuration")
    .description(
      "Sends <get-config> and prints the device's <rpc-reply> while it arrives. The exit status is as for `rpc`.",
    )
    .argument('<device>', 'its id', deviceArgument)
    .option('--source <datastore>', 'the datastore', datastore, 'running')
    .option('--filter <file>', 'a subtree filter, or its content; - is standard input')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms get-config router1 > router1.xml
  $ echo '<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"/>' | callhome-nms get-config router1 --filter -`,
    )
    .action(async (id: string, { source, filter, ...options }: GetConfigOptions) => {
      const content = filter === undefined ? undefined : await readInput(filter, maxOperation);
      await runOperation(id, getConfig(source, content), options);
    });
}
