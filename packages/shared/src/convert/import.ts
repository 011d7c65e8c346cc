import { agentDocument, type Credentials, referencesOf } from '../config/agent-document.js';
import { type Document, readDocument } from '../config/document.js';
import { CallhomeError } from '../errors.js';
import { parseElements } from '../xml/element.js';
import { draft2014Namespace, readDraft2014 } from './draft-2014/read.js';
import { draft2014ToModel } from './draft-2014/to-model.js';
import { readJunos } from './junos/read.js';
import { withoutTerminal } from './junos/terminal.js';
import { junosToModel } from './junos/to-model.js';
import { type Loss, lossLines } from './loss.js';

/** A call-home configuration that came in another form than the model's. */
export interface Imported {
  readonly document: Document;
  /** What the document cannot say, or says otherwise. */
  readonly losses: readonly Loss[];
  readonly notes: readonly string[];
}

export type Form = 'model' | 'draft-2014' | 'junos';

function isDraft2014(text: string): boolean {
  if (!text.includes('netconf')) return false;
  try {
    return parseElements(text).some(
      ({ name, namespace }) => name === 'netconf' && namespace === draft2014Namespace,
    );
  } catch {
    // whoever reads it says why
    return false;
  }
}

/** How the XML of a Junos device begins. */
const junosXml =
  /^(?:\s|<\?[^>]*>|<!--(?:[^-]|-[^-])*-->)*<(?:configuration[\s>]|rpc-reply[^>]*>\s*<configuration[\s>])/;

/** The form of a configuration's text, by how it begins. */
export function formOf(pasted: string): Form {
  const text = withoutTerminal(pasted);
  if (junosXml.test(text)) return 'junos';
  if (/^\s*</.test(text)) return isDraft2014(text) ? 'draft-2014' : 'model';
  return /^\s*([[{"]|$)/.test(text) ? 'model' : 'junos';
}

/**
 * Makes a document of the model from a Junos configuration or one of 2014.
 * @param credentials what those keep elsewhere
 * @throws CALLHOME_CONFIG_INVALID where it cannot be read
 */
export function importDocument(
  text: string,
  form: Exclude<Form, 'model'>,
  file: string,
  credentials: Credentials,
): Imported {
  const references = referencesOf(credentials);
  const {
    converted,
    losses: unread,
    notes,
  } = form === 'junos' ? importJunos(text, file, references) : importDraft2014(text, file, references);
  const losses: Loss[] = [...unread, ...converted.losses];
  if (converted.applications.length === 0) {
    throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: lossLines(file, losses) });
  }
  const data = agentDocument(converted.applications, credentials);
  // the way of every document: what comes of the import is valid, or it is told why not
  return { document: readDocument(JSON.stringify(data), file), losses, notes };
}

type References = ReturnType<typeof referencesOf>;

function importJunos(text: string, file: string, references: References) {
  const { clients, losses, notes } = readJunos(text, file);
  const converted = junosToModel(clients, references);
  return { converted, losses, notes: [...converted.notes, ...notes] };
}

function importDraft2014(text: string, file: string, references: References) {
  const { applications, losses } = readDraft2014(text, file);
  return { converted: draft2014ToModel(applications, references), losses, notes: [] };
}
