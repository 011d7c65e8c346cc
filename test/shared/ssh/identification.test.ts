import { scanIdentification } from '@callhome/shared/ssh/identification.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const line = fc
  .string({ maxLength: 60, unit: 'binary-ascii' })
  .filter((text) => !text.includes('\n') && !text.startsWith('SSH-'))
  .map((text) => `${text}\n`);

describe('the identification of a server', () => {
  it('is found behind any lines, in any segmentation, and not before it is whole', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const preamble = lines.join('');
        const bytes = Buffer.from(`${preamble}SSH-2.0-x${end}rest`, 'latin1');
        const whole = preamble.length + 'SSH-2.0-x'.length + end.length;
        for (let length = 0; length <= bytes.length; length += 1) {
          const scan = scanIdentification(bytes.subarray(0, length), 'server');
          expect(scan).toEqual(length < whole ? { kind: 'more' } : { kind: 'found', at: preamble.length });
        }
      }),
    );
  });

  it('must come in the first 8 KiB, in lines or in none', () => {
    for (const filler of ['x', 'x\n', '\n', '\0']) {
      const flood = Buffer.from(filler.repeat(20_000));
      expect(scanIdentification(flood, 'server').kind).toBe('invalid');
    }
  });

  it('must not be longer than 255 bytes', () => {
    expect(scanIdentification(Buffer.from(`SSH-2.0-${'x'.repeat(300)}`), 'server').kind).toBe('invalid');
    expect(scanIdentification(Buffer.from(`SSH-2.0-${'x'.repeat(300)}\n`), 'server').kind).toBe('invalid');
  });
});

describe('the identification of a client', () => {
  it('comes first', () => {
    expect(scanIdentification(Buffer.from('SS'), 'client')).toEqual({ kind: 'more' });
    expect(scanIdentification(Buffer.from('SSH-2.0-x\r\n'), 'client')).toEqual({ kind: 'found', at: 0 });
    expect(scanIdentification(Buffer.from('GET / HTTP/1.1\r\n'), 'client').kind).toBe('invalid');
    expect(scanIdentification(Buffer.from('\n'), 'client').kind).toBe('invalid');
  });
});
