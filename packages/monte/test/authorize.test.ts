import { describe, expect, test } from 'vitest'
import type { AuthorizeContext, Hello } from '../src/index.ts'
import { closeCodes, legacyPair, pair, say, tapped } from './support/channels.ts'
import { identityOf } from './support/sessions.ts'

const no = (): string => 'not on the list'

describe('authorize', () => {
  test('is asked once with the proven hello, before onOpen', () => {
    const asked: (readonly [Hello, AuthorizeContext])[] = []
    const order: string[] = []
    const heard = { onMessage: () => undefined, onDrain: () => undefined, onClose: () => undefined }
    const { clock, dialer, listener } = pair({
      listener: {
        authorize: (peer, context) => {
          asked.push([peer, context])
          order.push('authorize')
          return true
        },
        receiver: { ...heard, onOpen: () => order.push('open') },
      },
    })
    clock.advance(300)
    expect(asked.length).toBe(1)
    expect(asked[0]?.[0].publicKey).toEqual(identityOf(1).publicKey)
    expect(asked[0]?.[1]).toEqual({ role: 'listener', remote: listener.link.remote })
    expect(order).toEqual(['authorize', 'open'])
    expect([dialer.hello, listener.hello]).not.toContain(undefined)
  })

  test('a listener that refuses says why: END code 4, an error at both ends', () => {
    const { clock, dialer, listener } = pair({ listener: { authorize: no } })
    clock.run(5_000)
    expect(listener.hello).toBeUndefined()
    expect(closeCodes(listener)).toEqual(['FLATEND_MONTE_DENIED'])
    expect(listener.closes[0]?.message).toBe('this node does not let the peer in: not on the list')
    expect(closeCodes(dialer)).toEqual(['FLATEND_MONTE_REFUSED'])
    expect(dialer.closes[0]).toMatchObject({
      message: 'the peer does not let this node in: not on the list',
      details: { code: 4, reason: 'not on the list' },
    })
    expect(clock.pending).toBe(0)
  })

  test('what a refused dialer sent behind its hello reaches nobody', () => {
    const { clock, dialer, listener } = pair({
      listener: { authorize: no },
      dialer: {
        receiver: {
          onOpen: () => {
            for (let i = 0; i < 3; i++) say(dialer, new Uint8Array(40_000))
            dialer.channel.flush()
          },
          onMessage: () => undefined,
          onDrain: () => undefined,
          onClose: () => undefined,
        },
      },
    })
    clock.run(5_000)
    expect(listener.heard).toEqual([])
    expect(closeCodes(dialer)).toEqual(['FLATEND_MONTE_REFUSED'])
  })

  test('a dialer that refuses says nothing more, not even who it is', () => {
    const sent: number[] = []
    const { clock, dialer, listener } = pair({
      dialer: {
        authorize: no,
        tap: (link) =>
          tapped(link, (chunks) => {
            for (const chunk of chunks) sent.push(chunk.length)
          }),
      },
    })
    clock.run(5_000)
    expect(sent).toEqual([32])
    expect(closeCodes(dialer)).toEqual(['FLATEND_MONTE_DENIED'])
    expect(closeCodes(listener)).toEqual(['FLATEND_MONTE_HANDSHAKE_REFUSED'])
    expect([dialer.hello, listener.hello]).toEqual([undefined, undefined])
  })

  test('is not asked of somebody who proved nothing', () => {
    let asked = 0
    const count = (): true => {
      asked++
      return true
    }
    const stranger = {
      publicKey: identityOf(3).publicKey,
      sign: (message: Uint8Array) => identityOf(4).sign(message),
    }
    const { clock, listener } = pair({
      dialer: { identity: stranger },
      listener: { authorize: count },
    })
    clock.run(6_000)
    expect([asked, ...closeCodes(listener)]).toEqual([0, 'FLATEND_MONTE_SIGNATURE'])
  })

  test('that throws lets nobody in', () => {
    const { clock, dialer, listener } = pair({
      listener: {
        authorize: () => {
          throw new TypeError('bug')
        },
      },
    })
    clock.run(6_000)
    expect(listener.closes).toEqual([new TypeError('bug')])
    expect(listener.hello).toBeUndefined()
    expect(closeCodes(dialer)).toEqual(['FLATEND_MONTE_TRUNCATED'])
  })

  test('in v1: refused without a word, which it has none for', () => {
    const { clock, dialer, listener } = legacyPair({ authorize: no })
    clock.run(6_000)
    expect(listener.hello).toBeUndefined()
    expect(closeCodes(listener)).toEqual(['FLATEND_MONTE_DENIED'])
    expect(dialer.closes.length).toBe(1)
  })
})
