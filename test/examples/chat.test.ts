import { type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { chromiumHere, startChromium } from '../support/chromium.ts'
import { curl, curlUntil, type Example, example, type Running, start } from '../support/example.ts'
import { skipUnless } from '../support/skip.ts'

const said = (page: Page, text: string) =>
  page.locator('#messages li', { hasText: text }).first().waitFor()

describe.each(['uws', 'node'])('driver %s', (driver) => {
  let chat: Example
  let gateway: Running
  let browser: Browser | undefined

  beforeAll(async () => {
    chat = await example('chat')
    gateway = await chat.gateway((config) =>
      config.replace('[[http]]', `[[http]]\ndriver = "${driver}"`),
    )
    await chat.run('index.js').prints(/running/)
    // A request that is no WebSocket is told so by the gateway, once the service is there or not.
    await curlUntil(426, `${chat.url}/rooms/lobby`)
    if (chromiumHere.met) browser = await startChromium()
  })
  afterAll(() => browser?.close())

  async function open(query: string): Promise<Page> {
    const context = await (browser as Browser).newContext()
    onTestFinished(() => context.close())
    const page = await context.newPage()
    await page.goto(`${chat.url}/?${query}`)
    await page.locator('#state', { hasText: /^In / }).waitFor()
    return page
  }

  test('two browsers in a room hear each other, one in another does not; who leaves is missed', async (ctx) => {
    skipUnless(ctx, chromiumHere)
    const [ada, bob, eve] = [
      await open('name=Ada'),
      await open('name=Bob'),
      await open('name=Eve&room=other'),
    ]
    await said(ada, 'Bob is here')
    await bob.locator('#text').fill('hello <b>Ada</b> 🥛')
    await bob.locator('#text').press('Enter')
    await said(ada, 'Bob: hello <b>Ada</b> 🥛')
    await said(bob, 'Bob: hello <b>Ada</b> 🥛')
    await bob.close()
    await said(ada, 'Bob left')
    expect(await eve.locator('#messages li').allTextContents()).toEqual(['— Eve is here'])
  })

  test('events arrive as they happen, by curl and by EventSource, uncompressed', async (ctx) => {
    const watcher = start('curl', [
      '-sSN',
      '-D',
      '-',
      '--compressed',
      `${chat.url}/rooms/quiet/events`,
    ])
    const [head] = await watcher.prints(/HTTP\/1\.1 200[\s\S]*retry: 1000\n\n/)
    expect(head.toLowerCase()).toContain('content-type: text/event-stream')
    expect(head.toLowerCase()).not.toContain('content-encoding')
    skipUnless(ctx, chromiumHere)
    const page = await open('name=Ada&room=quiet')
    await watcher.prints(/data: \{"from":"","text":"Ada is here"\}\n\n/)
    // As text: these tests are compiled for Node, which has no pages.
    await page.evaluate(`
      const source = new EventSource('/rooms/quiet/events')
      source.addEventListener('open', () => document.body.setAttribute('data-open', ''))
      source.addEventListener('message', ({ data }) => document.body.setAttribute('data-last', data))
    `)
    await page.locator('body[data-open]').waitFor()
    await page.locator('#text').fill('one')
    await page.locator('#text').press('Enter')
    await watcher.prints(/"text":"one"/)
    await page.locator('body[data-last*="one"]').waitFor()
    await watcher.stop()
  })

  test('a gateway that stops closes with 1001, and the page tries again', async (ctx) => {
    skipUnless(ctx, chromiumHere)
    const page = await open('name=Ada')
    const stopped = gateway.stop()
    await page.locator('#state', { hasText: '(1001)' }).waitFor()
    expect(await stopped).toBe(0)
    expect(await curl(`${chat.url}/`)).toMatchObject({ status: 0 })
  })
})
