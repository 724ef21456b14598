import { expect, onTestFinished, test } from 'vitest'
import { type FetchFunction, fetchService } from '../src/fetch-service.ts'
import type { Node } from '../src/node.ts'
import { createTestMesh } from '../src/testing/index.ts'

/** Who calls an application that is the service `web`. */
async function callerOf(fetch: FetchFunction): Promise<Node> {
  const nodes = createTestMesh()
  onTestFinished(() => nodes.shutdown())
  await nodes.start({ services: { web: fetchService(fetch), other: () => 'from the mesh' } })
  return nodes.start({})
}

interface Asked {
  status: number
  headers: readonly string[]
  body: string
}

/** Calls as a gateway does, which may say fields of all namespaces. */
function ask(client: Node, fields: Readonly<Record<string, string>>, body = ''): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const asked: Asked = { status: 200, headers: [], body: '' }
    const call = client.caller.open(
      { services: ['web'], headers: Object.entries(fields).flat() },
      {
        response: (status, headers) => Object.assign(asked, { status, headers }),
        data: (chunk) => {
          asked.body += Buffer.from(chunk).toString()
        },
        end: () => resolve(asked),
        fail: (error) => reject(new Error(error.message)),
        drain: () => undefined,
      },
    )
    call.end(Buffer.from(body))
  })
}

test('a call becomes a Request', async () => {
  const client = await callerOf(async (request) =>
    Response.json({
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    }),
  )
  const headers = {
    ':method': 'PUT',
    ':scheme': 'https',
    ':authority': 'example.org:8443',
    ':path': '//a%2Fb/#x\\y',
    ':query': 'q=1&q=%20#',
    'params.id': '7',
    'query.q': ' ',
    accept: 'é',
  }
  expect(JSON.parse((await ask(client, headers, 'a body')).body)).toMatchObject({
    method: 'PUT',
    url: 'https://example.org:8443//a%2Fb/%23x%5Cy?q=1&q=%20%23',
    headers: { accept: Buffer.from('é').toString('latin1') },
    body: 'a body',
  })
})

test('names of other namespaces are no headers, and a plain call is a POST', async () => {
  const client = await callerOf((request) => {
    const names = [...request.headers.keys()].filter((name) => /^(?::|params|query)/.test(name))
    return Response.json([request.method, request.url, names])
  })
  const { body } = await ask(client, { 'params.a': '1', 'query.b': '2' })
  expect(JSON.parse(body)).toEqual(['POST', 'http://web/', []])
})

test.each([
  { ':authority': 'user@host' },
  { ':authority': 'host/evil' },
  { ':scheme': 'file' },
  { ':method': 'CONNECT' },
  { 'bad name': 'x' },
])('%o makes no Request: 400', async (headers) => {
  const client = await callerOf(() => new Response('ran'))
  expect((await ask(client, headers)).status).toBe(400)
})

test('status, repeated set-cookie and calls of other services', async () => {
  const client = await callerOf(async (_, { context }) => {
    const headers = new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ])
    return new Response(await (await context.call('other')).text(), { status: 418, headers })
  })
  const { status, headers, body } = await ask(client, {})
  expect([status, body]).toEqual([418, 'from the mesh'])
  expect(headers.filter((_, i) => headers[i - 1] === 'set-cookie')).toEqual(['a=1', 'b=2'])
})

test('bodies stream both ways while both are open', async () => {
  const client = await callerOf((request) => new Response(request.body))
  let more: (() => void) | undefined
  async function* body() {
    yield 'one'
    await new Promise<void>((resolve) => {
      more = resolve
    })
    yield 'two'
  }
  const reply = await client.call('web', body())
  const pieces: string[] = []
  for await (const piece of reply.body) {
    pieces.push(String(piece))
    more?.()
  }
  expect(pieces.join(' ')).toBe('one two')
})

test('who stops reading the request can answer all the same', async () => {
  const client = await callerOf(async (request) => {
    const reader = request.body!.getReader()
    const first = await reader.read()
    await reader.cancel()
    return new Response(first.value)
  })
  expect(await (await client.call('web', 'first')).text()).toBe('first')
})

test('the signal aborts and the answer is cancelled when the caller leaves', async () => {
  const events: string[] = []
  let over: (() => void) | undefined
  const done = new Promise<void>((resolve) => {
    over = resolve
  })
  const note = (event: string): void => {
    if (events.push(event) === 2) over?.()
  }
  const client = await callerOf((request) => {
    request.signal.addEventListener('abort', () => note('abort'))
    return new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(1)),
        cancel: () => note('cancel'),
      }),
    )
  })
  const leave = new AbortController()
  const reply = await client.call('web', '', { signal: leave.signal })
  leave.abort()
  await done
  expect(events.toSorted()).toEqual(['abort', 'cancel'])
  await reply.text().catch(() => undefined)
})

test('an application that throws is an error without its message', async () => {
  const client = await callerOf(() => {
    throw new Error('secret')
  })
  const reply = await client.call('web')
  expect([reply.status, await reply.text()]).toEqual([500, expect.not.stringContaining('secret')])
})
