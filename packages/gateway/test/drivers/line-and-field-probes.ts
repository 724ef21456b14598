import { CLOSED, EARLIER, get, H } from './probe-parts.ts'
import type { Probe } from './probes.ts'

const LINE = 'says 505 to every line that does not end as it should'
const EARLY = 'takes empty lines for the beginning of a request'
const SHORT = 'waits for the version'

/** Request lines (RFC 9112 §3). */
export const LINES: readonly Probe[] = [
  {
    name: 'line: empty lines before it',
    send: `\r\n\r\n${get()}`,
    expect: '200',
    deviations: { uws: { expect: 'waits', why: EARLY } },
  },
  {
    name: 'line: LF alone',
    send: get(H, 'GET /first HTTP/1.1').replaceAll('\r\n', '\n'),
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  {
    name: 'line: a space before it',
    send: get(H, ' GET /first HTTP/1.1'),
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  {
    name: 'line: two spaces',
    send: get(H, 'GET  /first HTTP/1.1'),
    expect: '400',
    deviations: {
      uws: { expect: '505', why: LINE },
      node: { expect: '200', why: 'llhttp takes several' },
    },
  },
  {
    name: 'line: a tab for a space',
    send: get(H, 'GET\t/first HTTP/1.1'),
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  {
    name: 'line: a space at its end',
    send: get(H, 'GET /first HTTP/1.1 '),
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  {
    name: 'line: no version',
    send: get(H, 'GET /first'),
    expect: '400',
    deviations: {
      uws: { expect: 'waits', why: SHORT },
      node: { expect: '505', why: 'takes it for HTTP/0.9, which is no version we speak' },
    },
  },
  {
    name: 'line: no target',
    send: get(H, 'GET HTTP/1.1'),
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  {
    name: 'line: a target without its slash',
    send: get(H, 'GET first HTTP/1.1'),
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  {
    name: 'line: a space in the target',
    send: get(H, 'GET /fi rst HTTP/1.1'),
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  {
    name: 'line: a NUL in the target',
    send: get(H, 'GET /fi\0rst HTTP/1.1'),
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  { name: 'line: a fragment', send: get(H, 'GET /first#x HTTP/1.1'), expect: '400' },
  {
    name: 'line: version in lower case',
    send: get(H, 'GET /first http/1.1'),
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  {
    name: 'line: version 1.10',
    send: get(H, 'GET /first HTTP/1.10'),
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  { name: 'line: version 2.0', send: get(H, 'GET /first HTTP/2.0'), expect: '505' },
  {
    name: 'line: version 11',
    send: get(H, 'GET /first HTTP/11'),
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  {
    name: 'line: another protocol',
    send: get(H, 'GET /first RTSP/1.0'),
    expect: '400',
    deviations: {
      uws: { expect: '505', why: LINE },
      node: { expect: '200', why: 'llhttp reads RTSP/1.0 as HTTP/1.0' },
    },
  },
  {
    name: 'line: method in lower case',
    send: get(H, 'get /first HTTP/1.1'),
    expect: '200',
    deviations: { node: { expect: '400', why: 'llhttp knows a fixed list of methods' } },
  },
  {
    name: 'line: CONNECT',
    send: get(H, 'CONNECT a:80 HTTP/1.1'),
    expect: '501',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  { name: 'line: DEL in the path', send: get(H, 'GET /a\x7fb HTTP/1.1'), expect: '400' },
  { name: 'line: DEL in the query', send: get(H, 'GET /a?\x7f HTTP/1.1'), expect: '400' },
  { name: 'line: TRACE', send: get(H, 'TRACE /first HTTP/1.1'), expect: '200' },
  {
    name: 'line: the preface of HTTP/2',
    send: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    expect: '505',
    deviations: {
      node: { expect: '400', why: 'llhttp knows it, and says no more than that it is not valid' },
    },
  },
  {
    name: 'line: a TLS handshake',
    send: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    expect: '400',
    deviations: { uws: { expect: '505', why: LINE } },
  },
  {
    name: 'line: a target of 8,000 bytes',
    send: get(H, `GET /${'x'.repeat(8_000)} HTTP/1.1`),
    expect: '200',
  },
  {
    name: 'line: a target of 90,000 bytes',
    send: get(H, `GET /${'x'.repeat(90_000)} HTTP/1.1`),
    expect: '431',
  },
]

/** Fields (RFC 9112 §5, RFC 9110 §5 and §7.2). */
export const FIELDS: readonly Probe[] = [
  { name: 'field: no space after the colon', send: get(`${H}X:y\r\n`), expect: '200' },
  { name: 'field: tabs and spaces around a value', send: get(`${H}X: \t y \t\r\n`), expect: '200' },
  { name: 'field: an empty value', send: get(`${H}X:\r\n`), expect: '200' },
  { name: 'field: no colon', send: get(`${H}nonsense\r\n`), expect: '400' },
  { name: 'field: a tab before the colon', send: get(`${H}X\t: y\r\n`), expect: '400' },
  { name: 'field: a space in the name', send: get(`${H}X Y: z\r\n`), expect: '400' },
  { name: 'field: a NUL in the name', send: get(`${H}X\0Y: z\r\n`), expect: '400' },
  { name: 'field: text beyond ASCII in the name', send: get(`${H}X\u00e9: z\r\n`), expect: '400' },
  {
    name: 'field: CR in a value',
    send: get(`${H}X: a\rY: b\r\n`),
    expect: '400',
    deviations: {
      uws: { expect: 'waits', why: 'waits for the LF of it: no request ever comes of it' },
    },
  },
  {
    name: 'field: DEL in a value',
    send: get(`${H}X: a\x7fb\r\n`),
    expect: '400',
    deviations: { uws: { expect: '200', why: 'looks for control characters below U+0020 only' } },
  },
  {
    name: 'field: a line that begins with a space, first',
    send: get(` X: y\r\n${H}`),
    expect: '400',
  },
  { name: 'field: LF alone ends the head', send: `GET /first HTTP/1.1\r\n${H}\n`, expect: '400' },
  { name: 'field: an empty host', send: get('Host:\r\n'), expect: '200' },
  { name: 'field: a list of hosts', send: get('Host: a, b\r\n'), expect: '200' },
  { name: 'field: a host twice in different case', send: get(`${H}hOST: b\r\n`), expect: '400' },
  {
    name: 'field: Connection: close',
    send: get(`${H}Connection: close\r\n`) + get(),
    expect: '200',
    deviations: { uws: { expect: 'none', why: EARLIER }, node: { expect: '400', why: CLOSED } },
  },
  { name: 'field: a thousand spaces', send: get(`${H}X:${' '.repeat(1_000)}y\r\n`), expect: '200' },
  {
    name: 'field: an unknown expectation',
    send: get(`${H}Expect: x\r\n`),
    expect: '417',
    deviations: { uws: { expect: '200', why: 'does not look at it, as RFC 9110 §10.1.1 allows' } },
  },
  {
    name: 'field: a cookie of 4,000 bytes',
    send: get(`${H}Cookie: a=${'b'.repeat(4_000)}\r\n`),
    expect: '200',
  },
]
