import { container, list } from '@callhome/shared/config/yang/node.js';
import { writeXml } from '@callhome/shared/config/yang/xml.js';
import { type ApplicationStatus, applicationMembers } from './status.js';

// container state of callhome-agent: what `callhome-agent status --json` shows, as YANG has it.

/** Members by their names in YANG. Those of containers in them are single words, which are the same in both. */
function inYang<T>(members: Readonly<Record<string, T>>): Record<string, T> {
  const named = Object.entries(members).map(([member, value]): [string, T] => [
    member.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    value,
  ]);
  return Object.fromEntries(named);
}

const { application: name, ...others } = applicationMembers;

const shape = {
  'callhome-agent:state': container(
    { application: list('name', { name, ...inYang(others) }, { description: 'An application.' }) },
    { description: 'What the agent is doing.' },
  ),
};

/** What the agent is doing, as XML. */
export function stateXml(statuses: readonly ApplicationStatus[]): string {
  const application = statuses.map(({ application: name, ...others }) => ({ name, ...inYang(others) }));
  return writeXml(shape, { 'callhome-agent:state': { application } }, { forPeers: true });
}
