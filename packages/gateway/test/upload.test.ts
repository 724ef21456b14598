import { describe, expect, it } from 'vitest'
import { FAILING, STALLING } from './support/exchange.ts'
import { bytes, settle, start } from './support/harness.ts'

const ROUTES = `
[[http.routes]]
path = "GET /hello/:name"
service = "hello"
[[http.routes]]
path = "POST /up"
services = ["a", "b"]
timeout = "2s"
body_size = 10
[[http.routes]]
path = "PUT /up"
service = "a"
[[http.routes]]
path = "GET /fresh"
service = "fresh"
nocache = true
`

describe('an upload', () => {
  it('is read only while the call takes more', async () => {
    const { send, caller, events } = await start(ROUTES)
    const body = Array.from({ length: 50 }, () => bytes('x'))
    const exchange = send({ method: 'PUT', path: '/up', body, chunked: true })
    const call = caller.last
    expect(call.request).toMatchObject({ services: ['a'], idempotent: true })
    call.room = 3
    await settle()
    expect(exchange.reads).toBe(3)
    call.room = 2
    call.sink.drain()
    await settle()
    expect(exchange.reads).toBe(5)
    call.room = 1_000
    call.sink.drain()
    for (let i = 0; i < 10; i++) await settle()
    expect(call.text()).toBe('x'.repeat(50))
    expect(call.ended).toBe(true)
    call.sink.response(200, [])
    call.sink.end()
    expect(call.cancelled).toBeUndefined()
    expect(events).toMatchObject([{ requestBytes: 50, status: 200 }])
  })

  it('goes both ways at once', async () => {
    const { send, caller, tick } = await start(ROUTES)
    const body = ['a', 'b', 'c'].map(bytes)
    const exchange = send({ method: 'PUT', path: '/up', body })
    caller.last.room = 1
    caller.last.sink.response(200, [])
    tick()
    await settle()
    caller.last.sink.data(caller.last.written[0]!)
    expect(exchange.text()).toBe('a')
    caller.last.room = 100
    caller.last.sink.drain()
    await settle()
    expect(caller.last.text()).toBe('abc')
  })

  it('is not wanted any more once the answer is whole', async () => {
    const { send, caller, gateway } = await start(ROUTES)
    const exchange = send({ method: 'PUT', path: '/up', body: [bytes('a'), bytes('b')] })
    caller.last.room = 1
    await settle()
    caller.last.sink.response(200, [])
    caller.last.sink.end()
    await settle()
    expect(exchange).toMatchObject({ status: 200, bodyCancelled: true, reads: 1 })
    expect(caller.last.cancelled).toBe('answered')
    expect(gateway.inFlight).toBe(0)
  })

  it('is refused at once where it says that it is too large', async () => {
    const { send, caller } = await start(ROUTES)
    const exchange = send({ method: 'POST', path: '/up', body: [bytes('12345678901')] })
    expect(exchange).toMatchObject({ status: 413, bodyCancelled: true, reads: 0 })
    expect(exchange.json()).toMatchObject({ status: 413, code: 'FLATEND_GATEWAY_BODY_TOO_LARGE' })
    expect(caller.calls).toEqual([])
  })

  it('is broken off where it becomes too large', async () => {
    const { send, caller, tick } = await start(ROUTES)
    const body = [bytes('123456789'), bytes('0'), bytes('1'), bytes('2')]
    const exchange = send({ method: 'POST', path: '/up', body, chunked: true })
    expect(caller.last.request).toMatchObject({ timeoutMs: 2_000, idempotent: false })
    await settle()
    expect(exchange).toMatchObject({ status: 413, bodyCancelled: true, reads: 3 })
    expect(caller.last.text()).toBe('1234567890')
    expect(caller.last.cancelled).toBe('request body too large')

    const late = send({ method: 'POST', path: '/up', body, chunked: true })
    caller.last.sink.response(200, [])
    tick()
    await settle()
    expect(late).toMatchObject({ status: 200, aborted: true, complete: false })
  })

  it('of one byte less passes', async () => {
    const { send, caller } = await start(ROUTES)
    send({ method: 'POST', path: '/up', body: [bytes('1234567890')] })
    await settle()
    expect(caller.last).toMatchObject({ ended: true, cancelled: undefined })
  })

  it('that cannot be read ends the call', async () => {
    const { send, caller } = await start(ROUTES)
    const exchange = send({
      method: 'PUT',
      path: '/up',
      body: [bytes('a'), FAILING],
      chunked: true,
    })
    await settle()
    expect(exchange.status).toBe(400)
    expect(caller.last.cancelled).toContain('the client is gone')
  })

  it('is expected in HTTP/2 without a word about it', async () => {
    const { send, caller } = await start(ROUTES)
    const exchange = send({ method: 'GET', path: '/hello/x', httpVersion: '2.0' })
    expect(caller.last.ended).toBe(false)
    await settle()
    expect(caller.last.ended).toBe(true)
    expect(exchange.reads).toBe(1)
  })
})

describe('a client that leaves', () => {
  it('before the answer, amid the answer, while it is slow, and amid the upload', async () => {
    const { send, caller, tick, events, gateway } = await start(ROUTES)
    send({ path: '/hello/x' }).close()
    expect(caller.last.cancelled).toBe('client closed')
    expect(events.at(-1)).toMatchObject({ status: undefined, aborted: true })

    const held = send({ path: '/hello/x' })
    caller.last.sink.response(200, [])
    caller.last.sink.data(bytes('abc'))
    held.close()
    tick()
    expect(held.status).toBeUndefined()
    expect(caller.last).toMatchObject({ cancelled: 'client closed', consumedBytes: 3 })

    const slow = send({ path: '/hello/x', room: 1 })
    caller.last.sink.response(200, [])
    tick()
    caller.last.sink.data(bytes('abc'))
    slow.close()
    await settle()
    caller.last.sink.data(bytes('def'))
    caller.last.sink.end()
    expect(slow.text()).toBe('abc')
    expect(caller.last).toMatchObject({ cancelled: 'client closed', consumedBytes: 6 })
    expect(events.at(-1)).toMatchObject({ status: 200, aborted: true, reason: 'client closed' })

    const upload = send({ method: 'PUT', path: '/up', body: [bytes('a'), bytes('b')] })
    caller.last.room = 1
    await settle()
    upload.close()
    await settle()
    expect(upload).toMatchObject({ reads: 1, bodyCancelled: true })
    expect(caller.last).toMatchObject({ cancelled: 'client closed', ended: false })
    expect(events).toHaveLength(4)
    expect(gateway.inFlight).toBe(0)
  })
})

it('an upload that stops to come is 408', async () => {
  const { send, caller } = await start('[[http.routes]]\npath = "POST /"\nservice = "a"\n')
  const exchange = send({ method: 'POST', body: [bytes('some'), STALLING] })
  await settle()
  expect(exchange).toMatchObject({ status: 408, complete: true })
  expect(exchange.json()).toMatchObject({ code: 'FLATEND_GATEWAY_SLOW_BODY' })
  expect(caller.last.cancelled).toBeDefined()
})
