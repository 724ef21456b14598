import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openChannel, type Role } from '../src/index.ts'
import { createVirtualClock } from '../src/memory/index.ts'
import { nodeSuite } from '../src/suite/node.ts'
import { ScriptedLink } from './support/channels.ts'

const ANSWERS: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['HTTP', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', '"HTTP/1.1 400 Bad Request"'],
  ['a browser', 'GET / HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n\r\n', '"GET / HTTP/1.1"'],
  ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n', '"SSH-2.0-OpenSSH_9.2"'],
  ['SMTP', '220 mail.example.com ESMTP ready, go ahead\r\n', '"220 mail.example.com ESMTP ready'],
  ['a TLS alert', Uint8Array.of(0x15, 3, 1, 0, 2, 2, 50), 'says TLS'],
]

/** What a channel ends with that hears these bytes, in one piece or each alone, and then the end. */
function endOf(said: Uint8Array, role: Role, bytewise: boolean): Error | undefined {
  const link = new ScriptedLink()
  const ends: (Error | undefined)[] = []
  openChannel({
    link,
    role,
    suite: nodeSuite,
    identity: nodeSuite.identity(new Uint8Array(32).fill(1)),
    hello: { ephemeral: true, instance: 1, services: [] },
    clock: createVirtualClock(),
    defer: (task) => task(),
    legacy: true,
    receiver: {
      onOpen: () => undefined,
      onMessage: () => undefined,
      onDrain: () => undefined,
      onClose: (error) => ends.push(error),
    },
  })
  for (const chunk of bytewise ? Array.from(said, (byte) => Uint8Array.of(byte)) : [said])
    link.receiver?.onData(chunk)
  link.receiver?.onEnd()
  link.receiver?.onClose()
  return ends[0]
}

describe('who speaks another protocol', () => {
  test.each(ANSWERS)('%s is named', (_, said, quoted) => {
    const bytes = typeof said === 'string' ? new TextEncoder().encode(said) : said
    for (const role of ['dialer', 'listener'] as const) {
      for (const bytewise of [false, true]) {
        const error = endOf(bytes, role, bytewise)
        expect(error).toMatchObject({ code: 'FLATEND_MONTE_FOREIGN' })
        expect(error?.message).toContain(quoted)
      }
    }
  })

  test('bytes that are no text are a key, or a part of one', () => {
    const notText = fc
      .uint8Array({ minLength: 4, maxLength: 32 })
      .filter(([first, ...rest]) => first !== 0x15 && first !== 0x16 && rest.some((b) => b > 0x7e))
    fc.assert(
      fc.property(notText, (bytes) => {
        expect(endOf(bytes, 'dialer', false)).not.toMatchObject({ code: 'FLATEND_MONTE_FOREIGN' })
      }),
    )
  })
})
