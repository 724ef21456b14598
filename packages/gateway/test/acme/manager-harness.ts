import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { AcmeManager } from '../../src/acme/manager.ts'
import type { PeerAnswer } from '../../src/acme/peers.ts'
import { AcmeStorage } from '../../src/acme/storage.ts'
import { newKey } from '../../src/acme/x509.ts'
import { A_CERTIFICATE } from '../drivers/fixtures.ts'

export const START: number = Date.UTC(2026, 0)

/** A manager in a time that passes when it is told to. */
export interface ManagerHarness {
  readonly manager: AcmeManager
  readonly storage: AcmeStorage
  readonly announced: string[]
  readonly now: () => number
  /** Timers that wait, and when the first is due. */
  readonly timers: () => number
  readonly next: () => number
  readonly pass: (ms: number) => void
  /** Waits for a line of the log, and forgets those until then. */
  readonly logged: (text: string) => Promise<void>
  /** Waits for something that comes of answers over sockets. */
  readonly until: (check: () => boolean) => Promise<void>
}

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setImmediate(resolve))
}

export function managerOf(
  directory: string,
  options: { readonly email?: string; readonly ask?: () => readonly PeerAnswer[] } = {},
): ManagerHarness {
  const folder = mkdtempSync(join(tmpdir(), 'flatend-acme-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  let now = START
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>()
  const lines: string[] = []
  const note = (_: object, message: string): void => void lines.push(message)
  const announced: string[] = []
  const storage = new AcmeStorage(folder)
  const { ask, email } = options
  const manager = new AcmeManager({
    directory,
    email,
    ca: A_CERTIFICATE,
    storage,
    accountKey: newKey(),
    clock: {
      now: () => now,
      setTimer: (callback, delay) => {
        const timer = { at: now + delay, callback }
        timers.add(timer)
        return () => timers.delete(timer)
      },
    },
    log: { debug: note, info: note, warn: note, error: note },
    random: () => 0.5,
    retryMs: 60_000,
    peers: ask && {
      ask: () => Promise.resolve(ask()),
      challenge: () => Promise.resolve(undefined),
      announce: (domain) => void announced.push(domain),
    },
  })
  return {
    manager,
    storage,
    announced,
    now: () => now,
    timers: () => timers.size,
    next: () => Math.min(...Array.from(timers, ({ at }) => at)),
    pass: (ms) => {
      now += ms
      for (const timer of Array.from(timers)) {
        if (timer.at <= now && timers.delete(timer)) timer.callback()
      }
    },
    logged: async (text) => {
      await until(() => lines.includes(text))
      lines.splice(0, lines.indexOf(text) + 1)
    },
    until,
  }
}
