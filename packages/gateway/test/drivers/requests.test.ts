import { afterAll, describe, expect, test } from 'vitest'
import type { Exchange } from '../../src/driver.ts'
import { bytes, collect, DRIVERS, type DriverName, echo, run } from './bench.ts'
import { BODIES } from './body-probes.ts'
import { FIELDS, LINES } from './line-and-field-probes.ts'
import { PROBES, type Probe } from './probes.ts'
import { headerOf } from './raw-client.ts'

const H = 'Host: a\r\n'
const post = (fields: string, body: string): string =>
  `POST /first HTTP/1.1\r\n${H}${fields}\r\n${body}`

/** Outcome of a probe that is not answered at all, and how long an answer is waited for. */
const WAITS = 'waits'
const QUIET_MS = 300

const used: string[] = []

afterAll(() => {
  process.stdout.write(`Known deviations of the drivers:\n${used.join('\n')}\n`)
})

const answer = (exchange: Exchange): void => {
  collect(exchange).then(
    () => setImmediate(() => exchange.respond(200, [], { body: bytes('ok') })),
    () => {},
  )
}

/** What came of it: statuses until the connection ends or rests. */
async function outcome(
  name: DriverName,
  probe: Probe,
): Promise<{ text: string; seen: Exchange[] }> {
  const { open, seen, driver } = await run(name, answer)
  const client = await open()
  client.send(probe.send)
  const statuses: number[] = []
  const wanted = probe.expect.split(' ').length
  if (probe.deviations?.[name]?.expect === WAITS) {
    // It never answers; the connection ends by its own timeout, which is not waited for here.
    const quiet = new Promise<typeof WAITS>((resolve) => {
      setTimeout(() => resolve(WAITS), QUIET_MS)
    })
    const first = await Promise.race([client.response(), quiet])
    driver.destroy()
    return { text: first === WAITS ? WAITS : String(first?.status), seen }
  }
  while (statuses.length < wanted) {
    const response = await client.response()
    if (response === undefined) break
    statuses.push(response.status)
  }
  if (!client.ended) {
    // Whatever was still in the connection is dealt with before this one, or the connection ends.
    client.send(`GET /last HTTP/1.1\r\n${H}\r\n`)
    await client.response()
  }
  driver.destroy()
  return { text: statuses.join(' ') || 'none', seen }
}

describe.each(DRIVERS)('requests, driver %s', (name) => {
  test.each([...PROBES, ...LINES, ...FIELDS, ...BODIES])('$name', async (probe) => {
    const { text, seen } = await outcome(name, probe)
    const deviation = probe.deviations?.[name]
    if (deviation)
      used.push(
        `  ${name}: ${probe.name}: ${deviation.expect} instead of ${probe.expect} (${deviation.why})`,
      )
    expect(text).toBe(deviation?.expect ?? probe.expect)
    expect(seen.map((exchange) => exchange.rawPath)).not.toContain('/smuggled')
  })

  test('every part of a request arrives as it was sent', async () => {
    let peer = ''
    const { open, seen } = await run(name, (exchange) => {
      peer = exchange.peer
      exchange.respond(204, [], { end: true })
    })
    const client = await open()
    client.send(
      'DELETE /a%20b/%C3%A9?x=1&y=%26?z HTTP/1.1\r\nHost: example.test:81\r\nX-A: 1\r\nx-a: 2\r\nCookie: a=b\r\n\r\n',
    )
    expect((await client.response())?.status).toBe(204)
    const [exchange] = seen
    expect(exchange).toMatchObject({
      method: 'DELETE',
      scheme: 'http',
      authority: 'example.test:81',
      rawPath: '/a%20b/%C3%A9',
      rawQuery: 'x=1&y=%26?z',
      httpVersion: '1.1',
      headers: ['host', 'example.test:81', 'x-a', '1', 'x-a', '2', 'cookie', 'a=b'],
    })
    expect(peer).toBe('127.0.0.1')
    expect(exchange?.body.length).toBeUndefined()
    await expect(exchange?.body.read()).resolves.toBeNull()
  })

  test('a request may come byte by byte', async () => {
    const { open } = await run(name, (exchange) => {
      void collect(exchange).then((body) => exchange.respond(200, [], { body }))
    })
    const client = await open()
    client.socket.setNoDelay(true)
    for (const byte of post('Content-Length: 5\r\n', 'hello')) client.send(byte)
    expect((await client.response())?.body.toString()).toBe('hello')
  })

  test('text beyond ASCII survives in both directions', async () => {
    const { open, seen } = await run(name, (exchange) =>
      exchange.respond(200, ['x-text', 'naïve – 日本 😀'], { body: bytes('') }),
    )
    const client = await open()
    client.send(Buffer.from(`GET / HTTP/1.1\r\n${H}X-Text: a – 日本 😀 z\r\n\r\n`, 'utf8'))
    const response = await client.response()
    expect(Buffer.from(headerOf(response!, 'x-text')!, 'latin1').toString()).toBe('naïve – 日本 😀')
    expect(headerOf(seen[0]!, 'x-text')).toBe('a – 日本 😀 z')
  })

  test('text beyond ASCII at the edge of a value, and latin1', async () => {
    const { open, seen } = await run(name, (exchange) => exchange.respond(204, [], { end: true }))
    const client = await open()
    client.send(Buffer.from(`GET / HTTP/1.1\r\n${H}X-Edge: é\r\n`, 'utf8'))
    client.send(`X-Latin: a\u00e9b\r\n\r\n`)
    await client.response()
    const got = [headerOf(seen[0]!, 'x-edge'), headerOf(seen[0]!, 'x-latin')]
    // uWebSockets.js strips bytes above 127 from both ends of a value, and knows UTF-8 only.
    const cut = name === 'uws'
    if (cut) {
      used.push(
        '  uws: text beyond ASCII is cut off at both ends of a request header value; latin1 becomes U+FFFD',
      )
    }
    expect(got).toEqual(cut ? ['', 'a\ufffdb'] : ['é', 'aéb'])
  })

  test.each(['/first', '/echo'])(
    'a client that asks whether to go on is told to, by %s',
    async (path) => {
      const { open } = await run(name, (exchange) => {
        if (exchange.rawPath === '/echo') void echo(exchange)
        else void collect(exchange).then((body) => exchange.respond(200, [], { body }))
      })
      const client = await open()
      const request = post('Expect: 100-continue\r\nContent-Length: 5\r\n', '')
      client.send(request.replace('/first', path))
      await new Promise((resolve) => client.socket.once('data', resolve))
      expect(client.rest.toString()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n/)
      client.send('hello')
      expect((await client.response())?.body.toString()).toBe('hello')
    },
  )

  test('a head that never ends is cut off', { timeout: 30_000 }, async () => {
    // uWebSockets.js has 10 s of its own for it, which cannot be changed: not waited for here.
    if (name === 'uws') {
      used.push('  uws: times of heads and idle connections are 10 s, whatever is asked for')
      return
    }
    const { open } = await run(name, () => {}, { readHeaderTimeoutMs: 50 })
    const client = await open()
    client.send(`GET / HTTP/1.1\r\n${H}`)
    expect((await client.response())?.status).toBe(408)
    await client.closed
  })
})
