import type { DriverName } from './bench.ts'

/** Bytes for a fresh connection, and what is to come of them. */
export interface Probe {
  readonly name: string
  readonly send: string
  /** Statuses of the answers until the connection ends or waits for more; `none`: closed. */
  readonly expect: string
  readonly deviations?: Partial<
    Record<DriverName, { readonly expect: string; readonly why: string }>
  >
}

const H = 'Host: a\r\n'
const post = (fields: string, body: string): string =>
  `POST /first HTTP/1.1\r\n${H}${fields}\r\n${body}`
const get = (fields = '', line = 'GET /first HTTP/1.1'): string => `${line}\r\n${fields}\r\n`
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${H}\r\n`
const CHUNKED = 'Transfer-Encoding: chunked\r\n'

const CLOSED =
  'refused by breaking the connection; uWebSockets.js does not take the next request early'
const CODINGS = 'its chunk parser is lenient; such a connection is never used for a second request'

export const PROBES: readonly Probe[] = [
  { name: 'plain', send: get(H), expect: '200' },
  { name: 'length', send: post('Content-Length: 5\r\n', 'hello'), expect: '200' },
  { name: 'length 0', send: post('Content-Length: 0\r\n', ''), expect: '200' },
  { name: 'chunked', send: post(CHUNKED, '5\r\nhello\r\n0\r\n\r\n'), expect: '200' },
  {
    name: 'length and chunked',
    send: post(`Content-Length: 4\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`),
    expect: '400',
  },
  {
    name: 'chunked and length',
    send: post(`${CHUNKED}Content-Length: 4\r\n`, `0\r\n\r\n${SMUGGLED}`),
    expect: '400',
  },
  {
    name: 'two lengths that differ',
    send: post('Content-Length: 3\r\nContent-Length: 5\r\n', 'hello'),
    expect: '400',
  },
  {
    name: 'two lengths that differ, second request hidden',
    send: post(`Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n`, SMUGGLED),
    expect: '400',
    deviations: { uws: { expect: 'none', why: CLOSED } },
  },
  {
    name: 'two equal lengths',
    send: post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
    expect: '400',
  },
  { name: 'list of lengths', send: post('Content-Length: 5, 5\r\n', 'hello'), expect: '400' },
  { name: 'signed length', send: post('Content-Length: +5\r\n', 'hello'), expect: '400' },
  { name: 'negative length', send: post('Content-Length: -5\r\n', 'hello'), expect: '400' },
  { name: 'hex length', send: post('Content-Length: 0x5\r\n', 'hello'), expect: '400' },
  { name: 'empty length', send: post('Content-Length:\r\n', ''), expect: '400' },
  {
    name: 'length beyond 64 bits',
    send: post('Content-Length: 18446744073709551617\r\n', 'x'),
    expect: '400',
  },
  { name: 'coding identity', send: post('Transfer-Encoding: identity\r\n', ''), expect: '400' },
  { name: 'coding empty', send: post('Transfer-Encoding:\r\n', ''), expect: '400' },
  {
    name: 'coding gzip, chunked',
    send: post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'),
    expect: '400',
  },
  {
    name: 'coding xchunked',
    send: post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
    expect: '400',
  },
  { name: 'coding twice', send: post(CHUNKED + CHUNKED, '0\r\n\r\n'), expect: '400' },
  { name: 'bad chunk size', send: post(CHUNKED, 'zz\r\nhello\r\n0\r\n\r\n'), expect: '400' },
  {
    name: 'chunk size overflows',
    send: post(CHUNKED, `${'f'.repeat(20)}\r\nhello`),
    expect: '400',
  },
  {
    name: 'chunk without its end',
    send: post(CHUNKED, '5\r\nhelloXX0\r\n\r\n'),
    expect: '400',
    deviations: { uws: { expect: '200', why: CODINGS } },
  },
  {
    name: 'trailers',
    send: post(CHUNKED, '5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n'),
    expect: '200',
    deviations: { uws: { expect: '505', why: `${CODINGS}; trailers are taken for the next one` } },
  },
  {
    name: 'request in a trailer',
    send: post(CHUNKED, `5\r\nhello\r\n0\r\nX:${SMUGGLED}`),
    expect: '200',
    deviations: { uws: { expect: 'none', why: `${CODINGS}; trailers are taken for the next one` } },
  },
  {
    name: 'target beyond ASCII',
    send: get(H, 'GET /\u00c3\u00a9 HTTP/1.1'),
    expect: '200',
    deviations: { node: { expect: '400', why: 'llhttp takes it percent-encoded only' } },
  },
  { name: 'no host', send: get(), expect: '400' },
  { name: 'two hosts', send: get(H + H), expect: '400' },
  { name: 'space before the colon', send: get(`${H}X : y\r\n`), expect: '400' },
  { name: 'folded header', send: get(`${H}X: y\r\n z\r\n`), expect: '400' },
  {
    name: 'empty header name',
    send: get(`${H}: y\r\n`),
    expect: '400',
    deviations: {
      uws: {
        expect: '200',
        why: 'it and all after it are not seen: behind a proxy that reuses connections use node',
      },
    },
  },
  { name: 'NUL in a value', send: get(`${H}X: a\0b\r\n`), expect: '400' },
  { name: 'control character in a value', send: get(`${H}X: a\u0001b\r\n`), expect: '400' },
  { name: 'LF in a value', send: get(`${H}X: a\nY: b\r\n`), expect: '400' },
  { name: 'strange header name', send: get(`${H}X(: a\r\n`), expect: '400' },
  { name: 'strange method', send: get(H, 'G{T /first HTTP/1.1'), expect: '400' },
  {
    name: 'unknown method',
    send: get(H, 'BREW /first HTTP/1.1'),
    expect: '200',
    deviations: { node: { expect: '400', why: 'llhttp knows a fixed list of methods' } },
  },
  {
    name: 'HTTP/1.0',
    send: get(H, 'GET /first HTTP/1.0'),
    expect: '200',
    deviations: { uws: { expect: '505', why: 'uWebSockets.js speaks HTTP/1.1 only' } },
  },
  {
    name: 'HTTP/1.9',
    send: get(H, 'GET /first HTTP/1.9'),
    expect: '505',
    deviations: { node: { expect: '400', why: 'llhttp says no more than that it is not valid' } },
  },
  {
    name: 'absolute target',
    send: get(H, 'GET http://a/first HTTP/1.1'),
    expect: '200',
    deviations: {
      uws: { expect: '505', why: 'uWebSockets.js takes targets that begin with / only' },
    },
  },
  {
    name: 'absolute target of another host',
    send: get(H, 'GET http://b/first HTTP/1.1'),
    expect: '400',
    deviations: {
      uws: { expect: '505', why: 'uWebSockets.js takes targets that begin with / only' },
    },
  },
  {
    name: 'OPTIONS *',
    send: get(H, 'OPTIONS * HTTP/1.1'),
    expect: '200',
    deviations: {
      uws: { expect: '505', why: 'uWebSockets.js takes targets that begin with / only' },
    },
  },
  { name: 'headers too large', send: get(`${H}X: ${'x'.repeat(17_000)}\r\n`), expect: '431' },
  { name: 'headers far too large', send: get(`${H}X: ${'x'.repeat(90_000)}\r\n`), expect: '431' },
  { name: 'headers of 12,000 bytes', send: get(`${H}X: ${'x'.repeat(12_000)}\r\n`), expect: '200' },
  {
    name: '150 headers',
    send: get(H + 'X: y\r\n'.repeat(150)),
    expect: '200',
    deviations: { uws: { expect: '431', why: 'uWebSockets.js takes about 100 header fields' } },
  },
  {
    name: 'two requests at once',
    send: get(H) + get(H),
    expect: '200 200',
    deviations: { uws: { expect: 'none', why: CLOSED } },
  },
]
