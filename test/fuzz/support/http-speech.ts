import type { Random } from './mutate.ts'

/** Where requests go: routes of every kind, and what is none. See `ROUTES` of the test. */
const TARGETS = [
  '/hello',
  '/hello?a=1&b=%ff',
  '/echo/a%20b?x',
  '/echo/../hello',
  '/mirror/a?status=204',
  '/mirror/a?status=304',
  '/mirror/a?status=101',
  '/mirror/a?status=404',
  '/mirror/a?status=999',
  '/slow/3',
  '/slow/300',
  '/fails/now',
  '/fails/late',
  '/fails/never',
  '/nobody',
  '/guarded/x',
  '/seldom',
  '/small',
  '/socket/a',
  '/socket/a?throw',
  '/old/x/y',
  '/old//evil.test/',
  '/files/text.txt',
  '/files/large.txt',
  '/files/none',
  '/files/..%2f..%2fconfig.toml',
  '/files/%00',
  '/files/',
  '/test.Echo/Say',
  '/test.Echo/Chat',
  '/test.Echo/None',
  '/.well-known/acme-challenge/abcdefghijklmnop?\u007f',
  '/none',
  '//',
  '/%',
  '/%ff',
  '*',
  'http://a/hello',
  'hello',
  '',
  '/\0',
]

const METHODS = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE']
const ODD_METHODS = [
  'CONNECT',
  'TRACE',
  'get',
  'G\0T',
  '',
  'PRI',
  'PATCH',
  'M-SEARCH',
  'X'.repeat(99),
]
const VERSIONS = ['HTTP/1.0', 'HTTP/2', 'HTTP/2.0', 'HTTP/9', 'HTTP/1.1 ', '']

/** Names and values that routes, services or drivers look at, most of them allowed. */
export const FIELDS: readonly (readonly [name: string, value: string])[] = [
  ['accept-encoding', 'br, gzip;q=0.5, *;q=0'],
  ['accept-encoding', 'gzip'],
  ['range', 'bytes=0-1'],
  ['range', 'bytes=-5'],
  ['range', 'bytes=9999999-'],
  ['range', 'bytes=1-0'],
  ['range', 'bytes=0-1,3-4'],
  ['if-range', '"x"'],
  ['if-none-match', '*'],
  ['if-match', '"x"'],
  ['if-modified-since', 'Tue, 14 Nov 2033 22:13:19 GMT'],
  ['if-unmodified-since', 'no date'],
  ['origin', 'https://example.org'],
  ['origin', 'null'],
  ['access-control-request-method', 'PUT'],
  ['authorization', 'Bearer ada'],
  ['auth-user', 'eve'],
  [':auth.user', 'eve'],
  [':path', '/none'],
  ['x-forwarded-for', '203.0.113.9, , unknown, [::1]:80'],
  ['x-forwarded-proto', 'javascript'],
  ['x-forwarded-host', 'evil.test'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['traceparent', '00-0-0-0'],
  ['cookie', 'a=1'],
  ['expect', '100-continue'],
  ['expect', 'nothing'],
  ['te', 'trailers'],
  ['content-type', 'application/grpc'],
  ['content-type', 'application/grpc-web+proto'],
  ['content-type', 'application/grpc-web-text'],
  ['grpc-timeout', '1m'],
  ['grpc-timeout', '99999999H'],
  ['grpc-encoding', 'gzip'],
  ['grpc-accept-encoding', 'gzip'],
  // What the service answers with: see `mirror` of the test.
  ['x-as-content-type', 'text/html'],
  ['x-as-content-type', 'text/plain'],
  ['x-as-content-length', '5'],
  ['x-as-content-length', 'five'],
  ['x-as-transfer-encoding', 'chunked'],
  ['x-as-connection', 'upgrade'],
  ['x-as-etag', '"x"'],
  ['x-as-location', '/\u0001'],
  ['x-as-location', '/\u00ff'],
  ['x-as-set-cookie', 'a=1'],
  ['x-as-grpc-status', '99'],
  ['x-as-vary', '*'],
  ['x-as-date', 'never'],
  ['x-as-status', '7'],
  ['x-as-:status', '7'],
  ['x-as-content-encoding', 'gzip'],
  ['x-as-retry-after', '\u007f'],
]

/** Of HTTP/1 alone, or of nothing. */
const LINES = [
  'Host: a',
  'Host: evil.test:99999',
  'Host: [::1',
  'Connection: close',
  'Connection: keep-alive, x',
  'Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__',
  'Connection: upgrade\r\nUpgrade: websocket',
  'Content-Length: 5',
  'Content-Length: 0',
  'Content-Length: 70000',
  'Content-Length: -1',
  'Content-Length: 5\r\nContent-Length: 6',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nContent-Length: 3',
  'Transfer-Encoding: identity, chunked',
  ': empty',
  ' folded',
  'x: \u0001',
  'params.x: y',
  `x-long: ${'x'.repeat(20_000)}`,
  `${'x: y\r\n'.repeat(150)}x: y`,
  '\r',
  'no colon',
]

const BODIES = [
  '',
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  '5;x=y\r\nhello\r\n0\r\nx-trailer: z\r\n\r\n',
  '5\r\nhello\r\n',
  'zz\r\n',
  'ffffffffff\r\nx',
  '\0\0\0\0\u0005hello',
  '\u0001\0\0\0\u0005hello',
  '\0\u00ff\u00ff\u00ff\u00ff',
  'AAAAAAVoZWxsbw==',
]

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
const HANDSHAKE = `Upgrade: websocket\r\nConnection: Upgrade\r\n${KEY}\r\nSec-WebSocket-Version: 13`
const HANDSHAKE_LINES = [
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15',
  'Sec-WebSocket-Extensions: permessage-deflate; x=y, ,',
  'Sec-WebSocket-Protocol: a, b',
  'Sec-WebSocket-Version: 7',
  KEY,
]

/** Frames of WebSockets (RFC 6455 §5.2), masked by zeros, that may lie about their length. */
function webSocketFrame(random: Random): Buffer {
  const first = random.chance(0.7) ? random.pick([0x81, 0x82, 0x88, 0x89, 0x8a]) : random.below(256)
  const length = random.pick([0, 1, 2, 5, 125])
  const told = random.chance(0.9) ? length : random.pick([1, 126, 127])
  const mask = random.chance(0.95) ? 0x80 : 0
  const payload = Buffer.from(random.chance(0.5) ? 'hello'.repeat(25) : random.bytes(length))
  return Buffer.concat([
    Buffer.from([first, told | mask]),
    Buffer.alloc(mask === 0 ? 0 : 4),
    payload.subarray(0, length),
  ])
}

function request(random: Random): Buffer {
  const method = random.chance(0.9) ? random.pick(METHODS) : random.pick(ODD_METHODS)
  const version = random.chance(0.93) ? 'HTTP/1.1' : random.pick(VERSIONS)
  const lines = [`${method} ${random.pick(TARGETS)} ${version}`]
  if (random.chance(0.9)) lines.push('Host: a')
  const handshake = random.chance(0.2)
  if (handshake) lines.push(HANDSHAKE)
  for (let i = random.below(4); i > 0; i -= 1) {
    const [name, value] = random.pick(FIELDS)
    lines.push(`${name}: ${value}`)
  }
  for (let i = random.chance(0.4) ? 1 + random.below(2) : 0; i > 0; i -= 1)
    lines.push(random.pick(handshake ? HANDSHAKE_LINES : LINES))
  const body = random.chance(0.4) ? random.pick(BODIES) : ''
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1')
  if (!handshake || random.chance(0.3)) return head
  const frames = Array.from({ length: random.below(5) }, () => webSocketFrame(random))
  return Buffer.concat([head, ...frames])
}

/** What a client says on one connection: requests behind one another, in pieces. */
export function httpSpeech(random: Random): readonly Buffer[] {
  if (random.chance(0.05)) return [Buffer.from(random.bytes(random.below(3_000)))]
  const requests = Array.from({ length: 1 + random.below(4) }, () => request(random))
  const all = Buffer.concat(requests)
  if (random.chance(0.2)) all[random.below(all.length)] = random.below(256)
  return cut(random, all)
}

/** All at once, or cut anywhere. */
export function cut(random: Random, all: Buffer): readonly Buffer[] {
  if (random.chance(0.5)) return [all]
  const at = random.below(all.length)
  return [all.subarray(0, at), all.subarray(at)]
}

/** A target and a method for a request of HTTP/2. */
export function targetAndMethod(random: Random): readonly [target: string, method: string] {
  const method = random.chance(0.95) ? random.pick(METHODS) : random.pick(ODD_METHODS)
  return [random.pick(TARGETS), method]
}
