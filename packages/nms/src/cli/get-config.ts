import { readInput } from '@callhome/shared/cli/input.js';
import { isCallhomeError } from '@callhome/shared/errors.js';
import { baseNamespace } from '@callhome/shared/netconf/namespaces.js';
import { parseOperation } from '@callhome/shared/netconf/operation.js';
import { type Command, InvalidArgumentError } from 'commander';
import { maxOperation } from '../northbound/http/schemas.js';
import { deviceArgument } from './api-options.js';
import { addOperationOptions, type OperationOptions, runOperation } from './operation.js';

interface GetConfigOptions extends OperationOptions {
  readonly source: string;
  readonly filter?: string;
}

function datastore(text: string): string {
  if (!/^[A-Za-z_][\w.-]*$/.test(text)) throw new InvalidArgumentError('It must be the name of a datastore.');
  return text;
}

/** The text as a `<filter>` of NETCONF's; undefined when it is not one. */
function wholeFilter(text: string): string | undefined {
  try {
    const { name, namespace, xml } = parseOperation(text);
    return name === 'filter' && namespace === baseNamespace ? xml.toString() : undefined;
  } catch (error) {
    // The content of a filter may be several elements, or none.
    if (isCallhomeError(error, 'CALLHOME_OPERATION_INVALID')) return undefined;
    throw error;
  }
}

/** A `<filter>` (RFC 6241 §6) from one, or from its content, perhaps with an XML declaration. */
function filterElement(text: string): string {
  const content = text.replace(/^\s*(<\?xml\s[^>]*\?>)?\s*/, '');
  return wholeFilter(text) ?? `<filter type="subtree">${content}</filter>`;
}

/** `<get-config>` (RFC 6241 §7.1). */
function getConfig(source: string, filter: string | undefined): string {
  const element = filter === undefined ? '' : filterElement(filter);
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
