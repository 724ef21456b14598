import type { Probe } from './probes.ts'

const H = 'Host: a\r\n'
const CHUNKED = 'Transfer-Encoding: chunked\r\n'
const post = (fields: string, body: string): string =>
  `POST /first HTTP/1.1\r\n${H}${fields}\r\n${body}`
const get = (fields: string = H, line = 'GET /first HTTP/1.1'): string => `${line}\r\n${fields}\r\n`
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${H}\r\n`
const CHUNKS = 'its chunk parser is lenient; such a connection is never used for a second request'
const EARLIER = 'breaks the connection where a request comes before the answer to the last'
const CLOSED =
  'llhttp takes what follows `Connection: close` for an error, before the answer is out'

/** Where a body ends (RFC 9112 §6 and §7): two readers that do not agree is what smuggling needs. */
export const BODY_PROBES: readonly Probe[] = [
  {
    name: 'body: a length in another script',
    send: post('Content-Length: \u0665\r\n', 'hello'),
    expect: '400',
  },
  {
    name: 'body: a length with a dot',
    send: post('Content-Length: 5.0\r\n', 'hello'),
    expect: '400',
  },
  {
    name: 'body: a length with a space',
    send: post('Content-Length: 5 5\r\n', 'hello'),
    expect: '400',
  },
  {
    name: 'body: a length with zeros before it',
    send: post('Content-Length: 0005\r\n', 'hello'),
    expect: '200',
  },
  {
    name: 'body: a length with an underscore',
    send: post('Content_Length: 5\r\n', ''),
    expect: '200',
  },
  {
    name: 'body: GET with a body',
    send: get(`${H}Content-Length: 5\r\n`) + 'hello',
    expect: '200',
  },
  {
    name: 'body: HEAD with a body',
    send: get(`${H}Content-Length: 5\r\n`, 'PUT /first HTTP/1.1') + 'hello',
    expect: '200',
  },
  { name: 'body: none of a POST', send: post('', ''), expect: '200' },
  {
    name: 'body: a coding with a tab',
    send: post('Transfer-Encoding:\tchunked\r\n', '0\r\n\r\n'),
    expect: '200',
  },
  {
    name: 'body: a coding in capitals',
    send: post('Transfer-Encoding: CHUNKED\r\n', '0\r\n\r\n'),
    expect: '200',
  },
  {
    name: 'body: chunked, chunked',
    send: post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'),
    expect: '400',
  },
  {
    name: 'body: chunked, identity',
    send: post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'),
    expect: '400',
  },
  {
    name: 'body: "chunked"',
    send: post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n'),
    expect: '400',
  },
  {
    name: 'body: chunked;q=1',
    send: post('Transfer-Encoding: chunked;q=1\r\n', '0\r\n\r\n'),
    expect: '400',
  },
  {
    name: 'body: a coding with a vertical tab',
    send: post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'),
    expect: '400',
  },
  {
    name: 'body: a coding named with a space',
    send: post('Transfer-Encoding : chunked\r\n', `0\r\n\r\n${SMUGGLED}`),
    expect: '400',
  },
  {
    name: 'body: a folded coding',
    send: post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'),
    expect: '400',
  },
  {
    name: 'body: a length hidden behind LF',
    send: post(`X: y\nContent-Length: ${SMUGGLED.length}\r\n`, SMUGGLED),
    expect: '400',
  },
  {
    name: 'body: chunks in capitals',
    send: post(CHUNKED, 'A\r\n0123456789\r\n0\r\n\r\n'),
    expect: '200',
  },
  {
    name: 'body: a chunk size with zeros before it',
    send: post(CHUNKED, '0005\r\nhello\r\n0\r\n\r\n'),
    expect: '200',
  },
  {
    name: 'body: a last chunk of many zeros',
    send: post(CHUNKED, '5\r\nhello\r\n000\r\n\r\n'),
    expect: '200',
  },
  {
    name: 'body: a chunk extension',
    send: post(CHUNKED, '5;a=b\r\nhello\r\n0\r\n\r\n'),
    expect: '200',
    deviations: {
      uws: {
        expect: 'waits',
        why: 'reads an extension as part of the size: the upload never completes',
      },
    },
  },
  {
    name: 'body: a chunk size with 0x',
    send: post(CHUNKED, '0x5\r\nhello\r\n0\r\n\r\n'),
    expect: '400',
  },
  {
    name: 'body: a signed chunk size',
    send: post(CHUNKED, '+5\r\nhello\r\n0\r\n\r\n'),
    expect: '400',
  },
  {
    name: 'body: a negative chunk size',
    send: post(CHUNKED, '-5\r\nhello\r\n0\r\n\r\n'),
    expect: '400',
  },
  {
    name: 'body: a space before a chunk size',
    send: post(CHUNKED, ' 5\r\nhello\r\n0\r\n\r\n'),
    expect: '400',
    deviations: { uws: { expect: '200', why: CHUNKS } },
  },
  {
    name: 'body: LF alone after a chunk size',
    send: post(CHUNKED, '5\nhello\r\n0\r\n\r\n'),
    expect: '400',
    deviations: { uws: { expect: '200', why: CHUNKS } },
  },
  {
    name: 'body: LF alone after a chunk',
    send: post(CHUNKED, '5\r\nhello\n0\r\n\r\n'),
    expect: '400',
    deviations: { uws: { expect: '200', why: CHUNKS } },
  },
  {
    name: 'body: an empty chunk size',
    send: post(CHUNKED, '\r\nhello\r\n0\r\n\r\n'),
    expect: '400',
    deviations: { uws: { expect: '200', why: CHUNKS } },
  },
  {
    name: 'body: a chunk that is longer than it says',
    send: post(CHUNKED, '3\r\nhello\r\n0\r\n\r\n'),
    expect: '400',
    deviations: { uws: { expect: '200', why: CHUNKS } },
  },
  {
    name: 'body: a request behind the last chunk',
    send: post(`Connection: close\r\n${CHUNKED}`, `5\r\nhello\r\n0\r\n\r\n${SMUGGLED}`),
    expect: '200',
    deviations: { uws: { expect: 'none', why: EARLIER }, node: { expect: '400', why: CLOSED } },
  },
  {
    name: 'body: three requests at once',
    send: post('Content-Length: 1\r\n', 'a') + get() + get(),
    expect: '200 200 200',
    deviations: { uws: { expect: 'none', why: EARLIER } },
  },
  {
    name: 'body: a request behind one that is wrong',
    send: get(`${H}X : y\r\n`) + SMUGGLED,
    expect: '400',
  },
]
