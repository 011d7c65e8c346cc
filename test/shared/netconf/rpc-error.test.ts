import {
  hasFailed,
  parseRpcError,
  type RpcError,
  serializeRpcError,
} from '@callhome/shared/netconf/rpc-error.js';
import { childElements, parseElement } from '@callhome/shared/xml/element.js';
import { describe, expect, it } from 'vitest';

const base = 'urn:ietf:params:xml:ns:netconf:base:1.0';

function parse(xml: string): RpcError | undefined {
  return childElements(parseElement(`<rpc-reply xmlns="${base}" xmlns:t="urn:t">${xml}</rpc-reply>`)).map(
    parseRpcError,
  )[0];
}

describe('rpc-error', () => {
  it('reads what it writes', () => {
    const error: RpcError = {
      type: 'protocol',
      tag: 'lock-denied',
      severity: 'error',
      appTag: 'too-late',
      path: '/t:top[t:name="a<b"]',
      message: 'no & never',
      info: `<session-id xmlns="${base}">454</session-id>`,
    };
    expect(parse(serializeRpcError(error))).toEqual(error);
  });

  it('writes what XML cannot carry as something it can', () => {
    expect(
      parse(serializeRpcError({ type: 'rpc', tag: 'x', severity: 'error', message: 'a\u0000b\ud800' }))
        ?.message,
    ).toBe('a\ufffdb\ufffd');
  });

  it('keeps the namespaces of what is in error-info', () => {
    const error = parse(
      '<rpc-error><error-tag>x</error-tag><error-info><t:a>t:b</t:a><c/></error-info></rpc-error>',
    );
    expect(error?.info).toBe(`<t:a xmlns="${base}" xmlns:t="urn:t">t:b</t:a><c xmlns="${base}"/>`);
  });

  it('counts what is missing or unknown as the most general error', () => {
    expect(
      parse('<rpc-error><error-type>odd</error-type><error-severity>fatal</error-severity></rpc-error>'),
    ).toEqual({
      type: 'application',
      tag: 'operation-failed',
      severity: 'error',
    });
  });

  it('calls a request failed for errors, not for warnings', () => {
    const warning = parse('<rpc-error><error-severity>\nwarning\n</error-severity></rpc-error>');
    const error = parse('<rpc-error/>');
    if (warning === undefined || error === undefined) throw new Error('not read');
    expect([hasFailed([]), hasFailed([warning]), hasFailed([warning, error])]).toEqual([false, false, true]);
  });
});

it('reads a long error-info without a colon, or of nothing else, in one pass', () => {
  for (const text of ['a'.repeat(900_000), 'a:'.repeat(450_000)]) {
    const error = parseRpcError(
      parseElement(`<rpc-error><error-info><x>${text}</x></error-info></rpc-error>`),
    );
    expect(error.info).toContain(text);
  }
});
