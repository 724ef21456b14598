// A real browser: Debian's Chromium, driven through its debugging protocol.
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import type { Requirement } from './skip.ts'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

/** What {@link startChromium} needs. */
export const chromiumHere: Requirement = {
  met: existsSync(executablePath),
  what: 'a node in a browser',
  reason: `no ${executablePath} (install Debian's chromium, or name another in CHROMIUM)`,
}

/**
 * Starts it without a window and without anything it would ask of the network by itself. Hidden tabs
 * are slowed as they are for everybody.
 */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    ignoreDefaultArgs: [
      '--disable-background-timer-throttling',
      '--disable-backgrounding-occluded-windows',
      '--disable-renderer-backgrounding',
    ],
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
