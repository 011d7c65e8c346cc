import { leaf, presence } from '../yang/node.js';
import { uint16 } from '../yang/types.js';

/** What Linux takes; Node.js does not tell when it is more. Seconds. */
const longestIdle = 32_767;

/** grouping tcp-common-grouping. */
export const tcpCommonGrouping = {
  keepalives: presence(
    {
      'idle-time': leaf(uint16(1), {
        default: 7200,
        units: 'seconds',
        description: 'Silence on the connection before the first probe.',
        refused: (value) =>
          typeof value === 'number' && value > longestIdle
            ? `must not be more than ${longestIdle}: the kernel takes no more`
            : undefined,
      }),
      'max-probes': leaf(uint16(1), {
        default: 9,
        description: 'Probes without an answer that end the connection.',
      }),
      'probe-interval': leaf(uint16(1), {
        default: 75,
        units: 'seconds',
        description: 'Between two probes.',
      }),
    },
    { description: "The kernel's TCP keep-alives; without it there are none." },
  ),
};
