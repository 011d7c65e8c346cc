import { readJunos } from '@callhome/shared/convert/junos/read.js';
import { encodeSecret } from '@callhome/shared/convert/junos/secret.js';
import { writeJunos } from '@callhome/shared/convert/junos/write.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyClients, withoutLines } from './clients.js';

const read = (text: string) => readJunos(text, 'router.conf');

/** What is told of the text, as lines. */
const told = (text: string) => read(text).losses.map(({ line, text }) => `${line}: ${text}`);

/** Within a client that is complete. */
const inClient = (...lines: string[]) =>
  ['client NMS {', '  device-id ex1;', '  services netconf;', '  192.0.2.1 port 7804;', ...lines, '}'].join(
    '\n',
  );

function syntaxError(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof CallhomeError && error.code === 'CALLHOME_CONFIG_INVALID') return error.message;
    throw error;
  }
  return 'none';
}

const noRoutingInstance =
  'left out: the model has no routing instances: run the agent in that VRF or network namespace';
const noGroups =
  'groups are not applied here: give what `show configuration system services outbound-ssh | display inheritance` shows';

const whole = `## Last commit: 2024-01-01 00:00:00 UTC by admin
version 21.2R3;
apply-groups [ re0 re1 ];
groups {
    re0 {
        security {
            policy outbound-ssh;
        }
    }
}
system {
    host-name ex1; /* one
    of two */
    root-authentication {
        encrypted-password "$6$x\\"; { } # no comment"; ## SECRET-DATA
    }
    protect: services {
        ssh;
        outbound-ssh {
            replace: client NMS-1 {
                device-id ex1.example.net;
                secret "$9$2GgZjHkPQ39.PhrvLVb.P5Tz6"; ## SECRET-DATA
                keep-alive {
                    retry 12;
                    timeout 5;
                }
                reconnect-strategy sticky;
                services [ netconf ];
                192.0.2.1 {
                    port 7804;
                    retry 1000;
                    timeout 60;
                }
                nms.example.net port 7804 retry 3 timeout 15;
                2001:db8::1;
            }
            client "the second" {
                device-id 2;
                services netconf;
                198.51.100.1;
            }
        }
    }
}
`;

const clients = [
  {
    name: 'NMS-1',
    deviceId: 'ex1.example.net',
    secret: 'password',
    keepAlive: { retry: 12, timeout: 5 },
    reconnectStrategy: 'sticky',
    services: ['netconf'],
    servers: [
      { address: '192.0.2.1', port: 7804, retry: 1000, timeout: 60 },
      { address: 'nms.example.net', port: 7804, retry: 3, timeout: 15 },
      { address: '2001:db8::1', port: 22, retry: 3, timeout: 15 },
    ],
  },
  {
    name: 'the second',
    deviceId: '2',
    services: ['netconf'],
    servers: [{ address: '198.51.100.1', port: 22, retry: 3, timeout: 15 }],
  },
];

describe('Junos configuration', () => {
  it('is read from a whole configuration, with lines, defaults and what was left aside', () => {
    const result = read(whole);
    expect(result.losses).toEqual([]);
    expect(withoutLines(result.clients)).toEqual(clients);
    expect(result.clients.map(({ line }) => line)).toEqual([20, 37]);
    expect(result.clients[0]?.servers.map(({ line }) => line)).toEqual([29, 34, 35]);
    expect(result.notes).toEqual(['7 statements outside of outbound-ssh were left aside']);
  });

  it.each([
    ['services {', '}', whole.slice(whole.indexOf('        outbound-ssh {'), -'    }\n}\n'.length)],
    ['', '', whole.slice(whole.indexOf('outbound-ssh {'), -'    }\n}\n'.length)],
    ['', '', whole.slice(whole.indexOf('replace: client'), -'        }\n    }\n}\n'.length)],
  ])('is read from a part of one, within %j', (before, after, part) => {
    const result = read(`${before}${part}${after}`);
    expect(result.losses).toEqual([]);
    expect(withoutLines(result.clients)).toEqual(clients);
    expect(result.notes).toEqual([]);
  });

  it('is read from set lines, several statements on one', () => {
    const result = read(`
set system host-name ex1
# the first
set system services outbound-ssh client NMS-1 device-id ex1.example.net secret "$9$2GgZjHkPQ39.PhrvLVb.P5Tz6"
set system services outbound-ssh client NMS-1 services netconf keep-alive retry 12 timeout 5
set system services outbound-ssh client NMS-1 reconnect-strategy sticky 192.0.2.1 port 7804 retry 1000
set system services outbound-ssh client NMS-1 192.0.2.1 timeout 60
set system services outbound-ssh client NMS-1 nms.example.net port 7804 retry 3 timeout 15
set services outbound-ssh client NMS-1 2001:db8::1\r
set client "the second" device-id 2
set client "the second" services [ netconf ] # ]
set client "the second" 198.51.100.1
set protocols bgp group {a} import [ x y ]
commit and-quit`);
    expect(result.losses).toEqual([]);
    expect(withoutLines(result.clients)).toEqual(clients);
    expect(result.clients.map(({ line }) => line)).toEqual([4, 10]);
    expect(result.notes).toEqual(['4 statements outside of outbound-ssh were left aside']);
  });

  it('tells of everything inside that it does not understand, at its line', () => {
    expect(
      told(`outbound-ssh {
  routing-instance mgmt;
  traceoptions { file x; }
  client NMS {
    device-id ex1;
    apply-groups G;
    retyr 5;
    services netconf;
    reconnect-strategy random;
    keep-alive { retry 3; }
    secret "$9$fakeSecretXyZ";
    192.0.2.1 { port 0; retry many; timeout 99999999999; routing-instance mgmt; }
    192.0.2.2 port;
  }
  client X { secret $8$aes256-gcm$abc; device-id ""; keep-alive; 192.0.2.3; device-id a; device-id b; }
  client "" { device-id x; }
}`),
    ).toEqual([
      `2: routing-instance "mgmt": ${noRoutingInstance}`,
      `6: client "NMS", apply-groups "G": left out: ${noGroups}`,
      '7: client "NMS": "retyr" is not understood: left out',
      '9: client "NMS": the reconnect-strategy must be sticky or in-order: left out',
      '10: client "NMS": keep-alive is on only where both retry and timeout are set: it is off',
      `11: client "NMS": the secret's $9$ form does not decode: left out`,
      `12: client "NMS", "192.0.2.1", routing-instance "mgmt": ${noRoutingInstance}`,
      '12: client "NMS", server "192.0.2.1": port must be a number from 1 to 65535: the default is taken, 22',
      '12: client "NMS", server "192.0.2.1": retry must be a number from 0 to 4294967295: the default is taken, 3',
      '12: client "NMS", server "192.0.2.1": timeout must be a number from 0 to 4294967295: the default is taken, 15',
      '13: client "NMS", "192.0.2.2": "port" has no value',
      '15: client "X": device-id is there twice: the last one counts',
      '15: client "X": device-id is there twice: the last one counts',
      `15: client "X": the secret is encrypted with the device's master password: left out`,
      '15: client "X": keep-alive is on only where both retry and timeout are set: it is off',
      '16: a client without a usable name: left out',
    ]);
  });

  it('leaves inactive configuration out, and tells so', () => {
    const curly = read(`outbound-ssh {
  inactive: client A { device-id a; 192.0.2.1; }
  client B {
    device-id b;
    inactive: secret "x";
    inactive: 192.0.2.1 port 1;
    192.0.2.2;
  }
}`);
    expect(curly.clients).toMatchObject([
      { name: 'B', deviceId: 'b', secret: undefined, servers: [{ address: '192.0.2.2' }] },
    ]);
    expect(curly.losses.map(({ line }) => line)).toEqual([2, 5, 6]);

    const lines = read(`set outbound-ssh client A device-id a
set outbound-ssh client A 192.0.2.1 port 1
set outbound-ssh client B device-id b secret x
set outbound-ssh client B 192.0.2.1 port 1 retry 5
deactivate outbound-ssh client A
deactivate outbound-ssh client B secret
delete outbound-ssh client B 192.0.2.1 retry`);
    expect(lines.clients).toMatchObject([
      { name: 'B', deviceId: 'b', secret: undefined, servers: [{ address: '192.0.2.1', port: 1, retry: 3 }] },
    ]);
    expect(lines.losses.map(({ line }) => line)).toEqual([5, 6, 7]);
  });

  it('that is switched on again is read, with what was set in between', () => {
    const { clients, losses } = read(`set system services outbound-ssh client A device-id a
set system services outbound-ssh client A 192.0.2.1 port 1
deactivate system services outbound-ssh client A
deactivate system services outbound-ssh client A 192.0.2.1 port
deactivate system services
set system services outbound-ssh client A services netconf
activate system services
activate system services outbound-ssh client A
activate system services outbound-ssh client B
activate interfaces ge-0/0/0`);
    expect(clients).toMatchObject([
      { name: 'A', deviceId: 'a', services: ['netconf'], servers: [{ address: '192.0.2.1', port: 22 }] },
    ]);
    expect(losses).toEqual([{ line: 4, text: 'inactive configuration of client "A": left out' }]);
  });

  it('that is switched off stays off, whatever is set in it later', () => {
    const text = `set client A 192.0.2.1\ndeactivate client A\nset client A device-id a`;
    expect(told(text)).toEqual([
      '1: there is no active client of outbound-ssh',
      '2: inactive configuration of client "A": left out',
    ]);
  });

  it('that does not make the connections others is worth a note, once a line', () => {
    const result = read(`outbound-ssh {
  traceoptions { file x size 1m; flag all; }
  client NMS {
    disable-ssh-security-settings;
    traceoptions { flag all; }
    device-id ex1;
    services netconf;
    192.0.2.1 port 7804;
    inactive: routing-instance x;
  }
  inactive: traceoptions { flag all; }
}
security { traceoptions { file x; } }
`);
    expect(result.losses).toEqual([{ line: 9, text: 'inactive configuration of client "NMS": left out' }]);
    expect(result.clients).toMatchObject([{ servers: [{ address: '192.0.2.1' }] }]);
    expect(result.notes).toEqual([
      'line 2: traceoptions: left out: it traces, and is no part of calling home',
      'line 4: client "NMS", disable-ssh-security-settings: left out: it is about the settings of Junos\'s own SSH server',
      'line 5: client "NMS", traceoptions: left out: it traces, and is no part of calling home',
      '2 statements outside of outbound-ssh were left aside',
    ]);
  });

  it.each([
    ['{master:0}\nadmin@ex1-re0> show configuration | no-more \n', '\n\n{master:0}\nadmin@ex1-re0> '],
    [
      '{primary:node0}[edit]\nroot@srx# show\n',
      '\n---(more 60%)---\n{primary:node0}[edit]\nroot@srx# exit\n',
    ],
    ['{master}\r\nlab@r1:RE:0% cli\n[edit system services]\n', '\n{linecard:1}'],
  ])('is read as it is pasted from a terminal, after %j', (before, after) => {
    const result = read(`${before}${whole}${after}`);
    expect(result.losses).toEqual([]);
    expect(withoutLines(result.clients)).toEqual(clients);
    expect(result.clients[0]?.line).toBe(20 + before.split('\n').length - 1);
  });

  it('is read from the lines that were typed at a prompt', () => {
    const { clients, losses } = read(`[edit]
user@host# set system services outbound-ssh client A device-id a services netconf

[edit]
user@host# set system services outbound-ssh client A 192.0.2.1 port 7804
user@host# commit
commit complete`);
    expect(losses).toEqual([]);
    expect(withoutLines(clients)).toEqual([
      {
        name: 'A',
        deviceId: 'a',
        services: ['netconf'],
        servers: [{ address: '192.0.2.1', port: 7804, retry: 3, timeout: 15 }],
      },
    ]);
  });

  it('that is switched off above the stanza has no client', () => {
    expect(told('inactive: system { services { outbound-ssh { client A { 192.0.2.1; } } } }')).toEqual([
      '1: there is no active client of outbound-ssh',
    ]);
    expect(told('set system services outbound-ssh client A 192.0.2.1\ndeactivate system services')).toEqual([
      '1: there is no active client of outbound-ssh',
      '2: inactive configuration of outbound-ssh: left out',
    ]);
  });

  it('in a group, or relative to an edit line, is told of and not read', () => {
    expect(
      told('groups { G { system { services { outbound-ssh { client A { device-id a; 192.0.2.1; } } } } } }'),
    ).toEqual([
      `1: outbound-ssh of "groups G" is not read: ${noGroups}`,
      '1: there is no active client of outbound-ssh',
    ]);
    expect(
      told('set client A device-id a 192.0.2.1 port 1\nprotect client A\nrename client A to client B'),
    ).toEqual(['3: "rename" is not understood: give whole set lines']);
    expect(told('edit system services outbound-ssh client A\nset device-id x')).toEqual([
      '1: "edit" is not understood: give whole set lines',
      '1: there is no active client of outbound-ssh',
    ]);
  });

  it.each([
    ['secret mysecret mypass;', 5],
    ['sercet "mysecret";', 5],
    ['secret "$9$mysecret";', 5],
    ['secret "my\tsecret";', 5],
  ])('does not tell a secret: %s', (statement, line) => {
    const losses = told(inClient(statement));
    expect(losses).toEqual([expect.stringMatching(`^${line}: client "NMS": `)]);
    expect(losses.join()).not.toMatch(/mysecret|mypass|my /);
  });

  it('takes a secret in clear text', () => {
    expect(read(inClient('secret "my \\"secret\\" \\\\ #1";')).clients[0]?.secret).toBe('my "secret" \\ #1');
  });

  it('takes the clear text that stands for nothing of ours as it is, in the reversible form', () => {
    const text = inClient(`secret "${encodeSecret('$9$x', Math.random)}";`);
    expect(read(text).clients[0]?.secret).toBe('$9$x');
  });

  it.each([
    ['a {\n  b {\n}', 'router.conf: line 1, column 1: a block without its "}"'],
    ['a;\n}', 'router.conf: line 2, column 1: a "}" without a block'],
    ['a {\n  b\n}', 'router.conf: line 2, column 3: a statement without its ";"'],
    ['a', 'router.conf: line 1, column 1: a statement without its ";"'],
    ['{', 'router.conf: line 1, column 1: a "{" without a statement before it'],
    ['a "b;\n', 'router.conf: line 1, column 3: a quoted string that does not end'],
    ['a "b\\', 'router.conf: line 1, column 3: a quoted string that does not end'],
    ['a; /* b', 'router.conf: line 1, column 4: a comment that does not end'],
    ['a [ b ;', 'router.conf: line 1, column 3: a list without its "]"'],
    ['a [ b ] c;', 'router.conf: line 1, column 9: a list stands at the end of a statement, and once'],
    ['set a [ b', 'router.conf: line 1, column 7: a list without its "]"'],
    ['a {'.repeat(33), 'router.conf: line 1, column 99: more than 32 levels deep'],
    ['a '.repeat(300), 'router.conf: line 1, column 129: a path of more than 64 words'],
    [`set ${'a '.repeat(300)}`, 'router.conf: line 1, column 131: a line of more than 64 words'],
  ])('that is broken is refused with its place: %j', (text, message) => {
    expect(syntaxError(text)).toBe(message);
  });

  it('of any length is read or refused within the time of a test', () => {
    expect(syntaxError('a;'.repeat(9_000_000))).toBe('router.conf: longer than 16777216 characters');
    expect(syntaxError(`client A { ${'a b;'.repeat(2_000_000)} }`)).toMatch(/\nrouter.conf: and more$/);
    const many = 200_000;
    read('a;'.repeat(many));
    read(`client A { ${'192.0.2.1 { port 1; } '.repeat(many)} }`);
    read(`set client A 192.0.2.1\n${'deactivate services\n'.repeat(many)}`);
    expect(syntaxError('"\\'.repeat(many))).toContain('does not end');
    expect(syntaxError(`a ${'[ a ]'.repeat(many)};`)).toContain('a list');
    read('/**/ #\n'.repeat(many));
  });

  it('that is written is read back', () => {
    fc.assert(
      fc.property(anyClients(false), (some) => {
        const result = read(writeJunos(some, Math.random));
        expect(withoutLines(result.clients)).toEqual(some);
        expect(result.losses.map(({ text }) => text)).toEqual(
          some.length > 0 ? [] : ['there is no active client of outbound-ssh'],
        );
      }),
    );
  });

  it('of any kind is read or refused, never anything else', () => {
    const piece = fc.constantFrom(
      ...[
        'set ',
        'delete ',
        'client ',
        'A ',
        'secret ',
        'keep-alive ',
        'port ',
        '1 ',
        '192.0.2.1 ',
        'inactive: ',
      ],
      ...[
        '{',
        '}',
        ';',
        '[ ',
        ' ]',
        '"',
        '\\',
        '#',
        '/*',
        '*/',
        '\n',
        'outbound-ssh ',
        'services ',
        'system ',
      ],
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string())), (pieces) => {
        syntaxError(pieces.join(''));
      }),
      { numRuns: 1000 },
    );
  });
});

const xml = `<rpc-reply xmlns:junos="http://xml.juniper.net/junos/21.2R3/junos">
  <configuration junos:commit-seconds="1700000000" junos:commit-user="admin">
    <version>21.2R3</version>
    <system>
      <services>
        <outbound-ssh>
          <junos:comment>/* a &lt;remark&gt; */</junos:comment>
          <client>
            <name>NMS-1</name>
            <device-id>ex1.example.net</device-id>
            <secret>$9$2GgZjHkPQ39.PhrvLVb.P5Tz6</secret>
            <keep-alive>
              <retry>12</retry>
              <timeout>5</timeout>
            </keep-alive>
            <reconnect-strategy>sticky</reconnect-strategy>
            <services>netconf</services>
            <servers>
              <name>192.0.2.1</name>
              <port>7804</port>
              <retry>1000</retry>
              <timeout>60</timeout>
            </servers>
            <servers protect="protect" junos:group="re0">
              <name>nms.example.net</name>
              <port>7804</port>
              <retry>3</retry>
              <timeout>15</timeout>
            </servers>
            <servers>
              <name>2001:db8::1</name>
            </servers>
          </client>
          <client>
            <name>the second</name>
            <device-id>2</device-id>
            <services><netconf/></services>
            <servers>
              <name>198.51.100.1</name>
            </servers>
          </client>
        </outbound-ssh>
      </services>
    </system>
  </configuration>
  <cli>
    <banner>{master:0}</banner>
  </cli>
</rpc-reply>
`;
/** Without what is around it, and so without the declaration of its prefix. */
const bare = xml.slice(xml.indexOf('<configuration'), xml.indexOf('  <cli>'));

describe('Junos configuration in XML', () => {
  it.each([
    ['an answer', xml],
    ['the configuration alone', bare],
    ['an XML declaration before it', `<?xml version="1.0"?>\n<!-- shown -->\n${xml}`],
    [
      'a namespace',
      bare.replace('<configuration', '<configuration xmlns="http://xml.juniper.net/xnm/1.1/xnm"'),
    ],
    ['all on one line', xml.replace(/\n */g, '')],
    [
      'prompts around it',
      `{master:0}\nadmin@ex1> show configuration | display xml\n${xml}\n{master:0}\nadmin@ex1> `,
    ],
  ])('is read as the curly form is: %s', (_what, text) => {
    const result = read(text);
    expect(result.losses).toEqual([]);
    expect(withoutLines(result.clients)).toEqual(clients);
  });

  it('is told of by line', () => {
    const { clients } = read(`\n\n${xml}`);
    expect(clients.map(({ line }) => line)).toEqual([10, 36]);
    expect(clients[0]?.servers.map(({ line }) => line)).toEqual([20, 26, 32]);
  });

  it('leaves inactive configuration out, and tells of what it does not read', () => {
    const result = read(
      xml
        .replace('<client>', '<routing-instance>mgmt</routing-instance><client>')
        .replace('<servers>', '<servers inactive="inactive">')
        .replace('<keep-alive>', '<keep-alive inactive="inactive">')
        .replace('<secret>$9$2GgZjHkPQ39.PhrvLVb.P5Tz6</secret>', '<secret>/* SECRET-DATA */</secret>')
        .replace(
          '<client>\n            <name>the second',
          '<client inactive="inactive">\n            <name>the second',
        ),
    );
    expect(result.clients).toMatchObject([
      {
        name: 'NMS-1',
        secret: undefined,
        keepAlive: undefined,
        servers: [{ address: 'nms.example.net' }, {}],
      },
    ]);
    expect(result.losses.map(({ line, text }) => `${line}: ${text}`)).toEqual([
      `8: routing-instance "mgmt": ${noRoutingInstance}`,
      '11: client "NMS-1": "secret" has no value',
      '12: inactive configuration of client "NMS-1": left out',
      '18: inactive configuration of client "NMS-1": left out',
      '34: inactive configuration of client "the second": left out',
    ]);
  });

  it('in a group is told of and not read', () => {
    const group = `<configuration><groups><name>G</name>${bare.replace(/<\/?configuration[^>]*>/g, '')}</groups></configuration>`;
    expect(told(group)).toContainEqual(
      expect.stringContaining(`outbound-ssh of "groups G" is not read: ${noGroups}`),
    );
  });

  it('that is broken is refused with its line', () => {
    expect(syntaxError('<configuration>\n<system>\n</configuration>')).toBe(
      'router.conf: not XML: line 3: unexpected close tag.',
    );
  });

  it('of any length is read within the time of a test', () => {
    const servers = '<servers><name>192.0.2.1</name><port>1</port></servers>'.repeat(50_000);
    const { clients } = read(
      `<configuration><system><services><outbound-ssh><client><name>A</name>${servers}</client></outbound-ssh></services></system></configuration>`,
    );
    expect(clients).toHaveLength(1);
  });
});

describe('the stanza that is written', () => {
  it('is as Junos shows it', () => {
    const text = writeJunos(
      [
        {
          name: 'the NMS',
          deviceId: 'ex1',
          secret: 'password',
          keepAlive: { retry: 3, timeout: 15 },
          reconnectStrategy: 'in-order',
          services: ['netconf'],
          servers: [{ address: '2001:db8::1', port: 4334, retry: 3, timeout: 5 }],
        },
      ],
      () => 0,
    );
    expect(text).toBe(`system {
    services {
        outbound-ssh {
            client "the NMS" {
                device-id ex1;
                secret "${encodeSecret('password', () => 0)}"; ## SECRET-DATA
                keep-alive {
                    retry 3;
                    timeout 15;
                }
                reconnect-strategy in-order;
                services netconf;
                2001:db8::1 {
                    port 4334;
                    retry 3;
                    timeout 5;
                }
            }
        }
    }
}
`);
  });
});
