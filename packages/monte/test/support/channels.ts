import type { RemoteProtocolError } from '@flatend/wire'
import { expect } from 'vitest'
import { openChannel } from '../../src/index.ts'
import {
  type ChannelPair,
  createChannelPair,
  createVirtualClock,
  type PairOptions,
  type Side,
  type VirtualClock,
} from '../../src/memory/index.ts'
import type { Address, Link, LinkReceiver } from '../../src/ports.ts'
import { nodeSuite } from '../../src/suite/node.ts'

export const OPCODE = 0x40

export interface Scene extends ChannelPair {
  readonly clock: VirtualClock
}

export function pair(options: Partial<PairOptions> = {}): Scene {
  const clock = createVirtualClock()
  return { clock, ...createChannelPair({ suite: nodeSuite, clock, latency: 10, ...options }) }
}

/** A pair whose handshake is done. */
export function openedPair(options: Partial<PairOptions> = {}): Scene {
  const scene = pair(options)
  scene.clock.advance(300)
  expect(scene.dialer.hello).toBeDefined()
  expect(scene.listener.hello).toBeDefined()
  return scene
}

export function say({ channel }: Side, body: Uint8Array, opcode = OPCODE): void {
  channel.begin(0, opcode)
  channel.end(body)
}

const codeOf = (error: Error | undefined): string | undefined =>
  (error as RemoteProtocolError | undefined)?.code
export const closeCodes = ({ closes }: Side): (string | undefined)[] => closes.map(codeOf)
export const bodies = ({ heard }: Side): number[][] => heard.map(({ body }) => [...body])

/** A link that records, and does what a test says. */
export class ScriptedLink implements Link {
  readonly remote: Address | undefined = undefined
  readonly written: number[] = []
  destroyed = false
  receiver: LinkReceiver | undefined
  attach(receiver: LinkReceiver): void {
    this.receiver = receiver
  }
  write(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) this.written.push(chunk.length)
    return true
  }
  end(): void {}
  destroy(): void {
    this.destroyed = true
  }
  pause(): void {}
  resume(): void {}
}

export function openScripted(
  clock: VirtualClock,
  link: Link,
  closes: (string | undefined)[],
): ReturnType<typeof openChannel> {
  return openChannel({
    link,
    clock,
    role: 'dialer',
    suite: nodeSuite,
    identity: nodeSuite.identity(new Uint8Array(32)),
    hello: { ephemeral: true, instance: 0, services: [] },
    defer: (task) => void clock.schedule(0, task),
    receiver: {
      onOpen: () => undefined,
      onMessage: () => undefined,
      onDrain: () => undefined,
      onClose: (error) => closes.push(codeOf(error)),
    },
  })
}

/** Both allow v1, and the offer is taken off on the way. */
export function legacyPair(listener: PairOptions['listener'] = {}): Scene {
  return pair({
    dialer: { legacy: true, tap: withoutOffer },
    listener: { ...listener, legacy: true },
  })
}

/** The same, open. */
export function openedLegacy(): Scene {
  const scene = legacyPair()
  scene.clock.advance(300)
  expect(scene.listener.hello).toBeDefined()
  return scene
}

function withoutOffer(link: Link): Link {
  let first = true
  return tapped(link, (chunks) => {
    const [key] = chunks
    if (first && key) chunks.splice(0, 1, key.with(31, (key[31] as number) & 0x7f))
    first = false
  })
}

/** A link whose writes somebody sees first, and may change. */
export function tapped(link: Link, see: (chunks: Uint8Array[]) => void): Link {
  return {
    remote: link.remote,
    write(chunks) {
      const seen = [...chunks]
      see(seen)
      return link.write(seen)
    },
    end: () => link.end(),
    destroy: () => link.destroy(),
    pause: () => link.pause(),
    resume: () => link.resume(),
    attach: (receiver) => link.attach(receiver),
  }
}
