import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { chromiumHere, startChromium } from '../support/chromium.ts'
import { curl } from '../support/curl.ts'
import { routes } from '../support/gateway.ts'
import { gatewayCommand, operated } from '../support/operated.ts'
import { eventually, stopProcessesAfterwards } from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'
import { skipUnless } from '../support/skip.ts'

stopProcessesAfterwards()

/** Where pictures for the documentation go, with `FLATEND_SCREENSHOTS=1`. */
const IMAGES = fileURLToPath(new URL('../../docs/images', import.meta.url))

const paper = (page: Page) => page.evaluate('getComputedStyle(document.body).backgroundColor')

async function picture(
  browser: Browser,
  url: string,
  colorScheme: 'light' | 'dark',
): Promise<Page> {
  const viewport = { width: 1180, height: 820 }
  const page = await browser.newPage({ viewport, colorScheme })
  await page.goto(`${url}/?every=300`)
  return page
}

test('the admin page shows what happens, in light and dark', { timeout: 90_000 }, async (ctx) => {
  skipUnless(ctx, chromiumHere)
  const config = routes(
    ['GET /hello/:name', 'hello'],
    ['POST /echo', 'pipe', 'echo'],
    ['GET /fail', 'fail'],
  )
  const { gateway, admin } = await operated({ config })
  await startNode({ addrs: [gateway.mesh], services: ['hello', 'pipe', 'fail'], identified: true })
  await eventually(async () => (await curl(`${gateway.url}/hello/you`)).status === 200)
  await gatewayCommand(gateway.folder, '--reload')

  const browser = await startChromium()
  onTestFinished(() => browser.close())
  const complaints: string[] = []
  const light = await picture(browser, admin, 'light')
  light.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  light.on('pageerror', (error) => complaints.push(error.message))
  light.on('request', (request) => {
    if (!request.url().startsWith(admin)) complaints.push(request.url())
  })
  const dark = await picture(browser, admin, 'dark')
  await light.reload()

  // Traffic while both look on.
  const points = async () =>
    (await light.getAttribute('#rate polyline', 'points'))?.split(' ') ?? []
  let sent = 0
  await eventually(async () => {
    const paths = ['hello/a', 'hello/b', 'hello/c', 'fail', 'nowhere']
    for (const path of paths) await (await fetch(`${gateway.url}/${path}`)).text()
    sent += 3
    return (await points()).length >= 4
  })

  expect(await light.textContent('#ready')).toBe('ready')
  expect(await light.textContent('#about')).toContain('127.0.0.1:')
  expect(await light.textContent('#tiles')).toMatch(/requests \/ s.*in flight.*peers1/)
  const row = (text: string) => light.locator('tr', { hasText: text }).first()
  expect(await row('GET /hello/:name').locator('td').nth(1).textContent()).toBe('hello')
  await eventually(async () => {
    const count = await row('GET /hello/:name').locator('td').nth(5).textContent()
    return Number(count?.replaceAll(',', '')) >= sent
  })
  expect(await light.textContent('#services')).toMatch(/hello.*pipe.*echo.*fail/)
  expect(await light.textContent('#peers')).toContain('hello, pipe, fail')
  expect(await light.textContent('#reloads')).toMatch(/^[12] done, 0 refused/)
  const headings = await light.textContent('#routes thead')
  expect(headings).toContain('retries')
  expect(await light.textContent('#certificates')).toContain('no certificates')
  expect(await light.textContent('#counters')).toMatch(/sessions of 2020\s*0.*streams: /)
  expect(complaints).toEqual([])

  // Dark is dark, and nothing hangs over the edge, on a telephone neither.
  expect(await paper(light)).toBe('rgb(251, 251, 250)')
  expect(await paper(dark)).toBe('rgb(20, 22, 26)')
  if (process.env['FLATEND_SCREENSHOTS'] === '1') {
    mkdirSync(IMAGES, { recursive: true })
    await light.screenshot({ path: `${IMAGES}/admin-light.png`, fullPage: true })
    await dark.screenshot({ path: `${IMAGES}/admin-dark.png`, fullPage: true })
  }
  await light.setViewportSize({ width: 390, height: 800 })
  expect(await light.evaluate('document.documentElement.scrollWidth')).toBe(390)

  // Without a gateway the page says so.
  await gateway.process.stop('SIGKILL')
  await eventually(async () => (await light.textContent('#ready')) === 'no answer')
})
