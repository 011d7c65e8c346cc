import { parseOperation, rpcMessage } from '@callhome/shared/netconf/operation.js';
import { childElements, parseElement } from '@callhome/shared/xml/element.js';
import { describe, expect, it } from 'vitest';

const base = 'urn:ietf:params:xml:ns:netconf:base:1.0';
const refused = (why: RegExp) =>
  expect.objectContaining({ code: 'CALLHOME_OPERATION_INVALID', message: expect.stringMatching(why) });

describe('operation', () => {
  it.each([
    ['<get/>', '<get/>', base],
    ['\ufeff<?xml version="1.0"?>\r\n<!-- <x/> é --><?p <y/>?>\n<get\r\n/>\n<!-- z -->', '<get\r\n/>', base],
    ['<p:a xmlns:p="urn:p">😀</p:a>', '<p:a xmlns:p="urn:p">😀</p:a>', 'urn:p'],
    ['<get xmlns=""/>', '<get xmlns=""/>', ''],
  ])('takes %j', (text, xml, namespace) => {
    const operation = parseOperation(text);
    expect([operation.xml.toString(), operation.namespace]).toEqual([xml, namespace]);
  });

  it('is the only thing in its rpc, in NETCONF’s namespace', () => {
    const rpc = parseElement(Buffer.concat(rpcMessage('1', parseOperation('<?xml version="1.0"?><get/>'))));
    expect(rpc).toMatchObject({
      name: 'rpc',
      namespace: base,
      attributes: [{ name: 'message-id', value: '1' }],
    });
    expect(childElements(rpc)).toMatchObject([{ name: 'get', namespace: base }]);
  });

  it.each([
    ['', /root/],
    ['get', /root/],
    ['<get/><get/>', /root/],
    ['<get/></rpc><rpc><kill-session/>', /./],
    ['<get/>]]>]]><rpc/>', /root/],
    ['<get', /./],
    ['<!DOCTYPE a><get/>', /document type/],
    ['<get>\ud800</get>', /surrogate/],
    ['<get>\ud800<x></get>', /surrogate/],
    ['<rpc message-id="1"><get/></rpc>', /<rpc> is put around/],
    [`<nc:rpc xmlns:nc="${base}"><get/></nc:rpc>`, /<rpc> is put around/],
    ['<hello/>', /hello/],
  ])('refuses %j', (text, why) => {
    expect(() => parseOperation(text)).toThrow(refused(why));
  });
});
