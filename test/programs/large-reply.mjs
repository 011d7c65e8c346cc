// A NETCONF server for one session that answers every rpc with a reply of the size given, in megabytes: half of it
// elements, half of it one CDATA section.
const end = ']]>]]>';
const megabyte = `<item xmlns="urn:example">${'0123456789abcdef'.repeat(64)}</item>`.repeat(985);
process.stdout.write(
  '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0' +
    `</capability></capabilities><session-id>1</session-id></hello>${end}`,
);

function* reply(id) {
  yield `<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="${id}"><data>`;
  const half = Number(process.argv[2]) / 2;
  for (let i = 0; i < half; i += 1) yield megabyte;
  yield '<text xmlns="urn:example"><![CDATA[';
  for (let i = 0; i < half; i += 1) yield megabyte;
  yield `]]></text></data></rpc-reply>${end}`;
}

let input = '';
for await (const chunk of process.stdin) {
  input += chunk;
  for (;;) {
    const at = input.indexOf(end);
    if (at === -1) break;
    const id = /<rpc [^>]*message-id="(\d+)"/.exec(input.slice(0, at))?.[1];
    input = input.slice(at + end.length);
    if (id === undefined) continue;
    for (const piece of reply(id)) {
      if (!process.stdout.write(piece)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
  }
}
