import { expectBytes, expectThat, pattern } from '../contract/expect.ts'
import type { BodySink, RespondOptions } from '../driver.ts'
import { headerOf } from './raw-client.ts'
import { answerTo, bytes, collect, type DriverCase, driverCase, GET, thrownBy } from './scene.ts'

const POST = 'POST / HTTP/1.1\r\nHost: a\r\n'
const STATE = 'FLATEND_GATEWAY_STATE'
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
/** Two readers that differ about these do not agree where a request ends (RFC 9112 §6.3). */
const AMBIGUOUS: readonly string[] = [
  `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  `${POST}Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
  `${POST}Content-Length: +5\r\n\r\nhello${SMUGGLED}`,
  `${POST}Transfer-Encoding: xchunked\r\n\r\n${SMUGGLED}`,
]
const UNSAFE: readonly (readonly string[])[] = [
  ['x', 'a\r\nset-cookie: b=c'],
  ['x', 'a\nb'],
  ['x', 'a\0b'],
  ['x\r\ny', 'a'],
]

const requests: readonly DriverCase[] = [
  driverCase('every part of a request arrives as it was sent', async (scene) => {
    let peer = ''
    const { open } = await scene.start((exchange) => {
      // A driver need not know it any more once the answer is out.
      peer = exchange.peer
      exchange.respond(204, [], { end: true })
    })
    const client = await open()
    client.send(
      'DELETE /a%20b/%C3%A9?x=1&y=%26?z HTTP/1.1\r\nHost: example.test:81\r\nX-A: 1\r\nx-a: 2\r\n\r\n',
    )
    await answerTo(client)
    const { method, scheme, authority, rawPath, rawQuery, httpVersion, headers, body } = scene
      .seen[0] as (typeof scene.seen)[number]
    const line = [method, scheme, authority, rawPath, rawQuery, httpVersion, peer].join(' ')
    const sent = 'DELETE http example.test:81 /a%20b/%C3%A9 x=1&y=%26?z 1.1 127.0.0.1'
    expectThat(line === sent, `nothing is decoded or changed: ${line}`)
    const fields = 'host,example.test:81,x-a,1,x-a,2'
    expectThat(headers.join() === fields, `names in lower case, repeats kept: ${headers.join()}`)
    expectThat(body.length === undefined, 'no Content-Length, no length')
    expectThat((await body.read()) === null, 'no body, and its end')
  }),

  driverCase(
    'a body arrives as it was sent, by length, chunked and byte by byte',
    async (scene) => {
      const { open } = await scene.start((exchange) => {
        void collect(exchange).then((body) => exchange.respond(200, [], { body }))
      })
      const body = Buffer.from(pattern(100_000))
      const client = await open()
      client.send(`${POST}Content-Length: ${body.length}\r\n\r\n`).send(body)
      expectBytes((await answerTo(client)).body, body, 'a body by length')
      expectThat(scene.seen[0]?.body.length === body.length, '`length` is the Content-Length')
      const chunked = await open()
      chunked.send(`${POST}Transfer-Encoding: chunked\r\n\r\n`)
      chunked
        .send(`${body.length.toString(16)}\r\n`)
        .send(body)
        .send('\r\n0\r\n\r\n')
      expectBytes((await answerTo(chunked)).body, body, 'a chunked body')
      expectThat(scene.seen[1]?.body.length === undefined, 'a chunked body has no length')
      const slow = await open()
      slow.socket.setNoDelay(true)
      for (const byte of `${POST}Content-Length: 5\r\n\r\nhello`) slow.send(byte)
      expectBytes((await answerTo(slow)).body, bytes('hello'), 'a request that came byte by byte')
    },
  ),

  driverCase('no request hides in another', async (scene) => {
    const { open } = await scene.start((exchange) => {
      collect(exchange).then(
        () => exchange.respond(200, [], { body: bytes('ok') }),
        () => undefined,
      )
    })
    for (const text of AMBIGUOUS) {
      const client = await open()
      client.send(text)
      await client.response()
      if (!client.ended) await client.send('GET /last HTTP/1.1\r\nHost: a\r\n\r\n').response()
    }
    const hidden = scene.seen.some(({ rawPath }) => rawPath === '/smuggled')
    expectThat(!hidden, 'a request whose end is not certain ends its connection')
  }),
]

const answers: readonly DriverCase[] = [
  driverCase('a whole answer has its length, and the connection is used again', async (scene) => {
    const sizes = [0, 1, 14_336, 70_000, 3_000_000]
    const { open } = await scene.start((exchange) => {
      const body = pattern(Number(exchange.rawQuery))
      const respond = () => exchange.respond(201, ['set-cookie', 'a', 'set-cookie', 'b'], { body })
      if (exchange.rawPath === '/now') respond()
      else setImmediate(respond)
    })
    const client = await open()
    for (const path of ['/now', '/later']) {
      for (const size of sizes) {
        client.send(`GET ${path}?${size} HTTP/1.1\r\nHost: a\r\n\r\n`)
        const response = await answerTo(client)
        expectThat(response.status === 201, `the status is 201, not ${response.status}`)
        expectThat(
          headerOf(response, 'content-length') === `${size}`,
          'Content-Length is its length',
        )
        expectBytes(response.body, pattern(size), `a body of ${size} bytes`)
        const cookies = response.headers.filter((_, i, all) => all[i - 1] === 'set-cookie')
        expectThat(cookies.join() === 'a,b', `repeated headers are kept: ${cookies.join()}`)
      }
    }
  }),

  driverCase(
    'a streamed answer, chunked or with a length, in pieces of all sizes',
    async (scene) => {
      const sizes = [1, 9_000, 0, 70_000, 3, 300_000, 16_384, 16_383, 1]
      const body = pattern(sizes.reduce((sum, size) => sum + size, 0))
      const { open } = await scene.start((exchange) => {
        const options: RespondOptions =
          exchange.rawPath === '/length' ? { length: body.length } : {}
        const sink = exchange.respond(200, [], options)
        let at = 0
        for (const size of sizes) sink.write(body.slice(at, (at += size)))
        sink.end()
      })
      const client = await open()
      for (const path of ['/chunked', '/length', '/chunked']) {
        client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
        expectBytes((await answerTo(client)).body, body, path)
      }
    },
  ),

  driverCase('HEAD, 204 and 304 have no body', async (scene) => {
    const { open } = await scene.start((exchange) => {
      const status = Number(exchange.rawPath.slice(1))
      exchange.respond(status, [], status === 200 ? { end: true, length: 1_234 } : { end: true })
    })
    const client = await open()
    for (const [method, status, length] of [
      ['HEAD', 200, '1234'],
      ['GET', 204, undefined],
      ['GET', 304, undefined],
      ['HEAD', 200, '1234'],
    ] as const) {
      client.send(`${method} /${status} HTTP/1.1\r\nHost: a\r\n\r\n`)
      const response = await answerTo(client, method)
      expectThat(response.status === status, `${method}: status ${response.status}, not ${status}`)
      expectThat(headerOf(response, 'content-length') === length, `${method} ${status}: its length`)
    }
  }),

  driverCase('no header breaks out of its line, and no answer is given twice', async (scene) => {
    const { open } = await scene.start((exchange) => {
      const body = bytes('one')
      const codes = UNSAFE.map(
        (headers) => thrownBy(() => exchange.respond(200, headers, { body }), 'unsafe').code,
      )
      exchange.respond(200, [], { body })
      codes.push(thrownBy(() => exchange.respond(200, [], { body }), 'a second answer').code)
      problems.push(...codes.filter((code) => code !== STATE).map(String))
    })
    const problems: string[] = []
    const client = await open()
    const response = await answerTo(client.send(GET))
    expectBytes(response.body, bytes('one'), 'what is refused leaves no trace')
    expectThat(problems.length === 0, `each is refused by ${STATE}, not ${problems.join(', ')}`)
  }),

  driverCase('a handler that throws gives 500, and the server goes on', async (scene) => {
    const { open } = await scene.start((exchange) => {
      if (exchange.rawPath === '/throw') throw new Error('no')
      exchange.respond(200, [], { body: bytes('ok') })
    })
    const client = await open()
    const failed = await answerTo(client.send('GET /throw HTTP/1.1\r\nHost: a\r\n\r\n'))
    expectThat(failed.status === 500, `it gives 500, not ${failed.status}`)
    const next = await answerTo((await open()).send(GET))
    expectThat(next.status === 200, 'the next one is answered')
  }),

  driverCase('half an answer never looks whole', async (scene) => {
    const finish: Record<string, (sink: BodySink) => void> = {
      '/abort': (sink) => sink.abort(),
      '/short': (sink) => sink.end(),
    }
    const { open } = await scene.start((exchange) => {
      const options: RespondOptions = exchange.rawPath === '/short' ? { length: 100 } : {}
      const sink = exchange.respond(200, [], options)
      sink.write(bytes('some'))
      setImmediate(() => finish[exchange.rawPath]?.(sink))
    })
    for (const path of Object.keys(finish)) {
      const client = await open()
      client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      const response = await client.response()
      expectThat(response === undefined, `${path}: the connection breaks before the answer’s end`)
      await client.closed
    }
  }),
]

/** One request, and its answer. */
export const exchangeCases: readonly DriverCase[] = [...requests, ...answers]
