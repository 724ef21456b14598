import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '@flatend/gateway'
import { expect, onTestFinished, test } from 'vitest'
import { startGateway } from '../src/gateway-node.ts'
import { silentLogger } from '../src/logger.ts'

const TOP = `addr = "127.0.0.1:0"
[allow.services]
"flatend.acme" = ["${'0'.repeat(64)}"]
[[http]]
addr = "127.0.0.1:0"
driver = "node"
`

test('certificates by ACME that a reload brings are shared with other gateways', async () => {
  const storage = mkdtempSync(join(tmpdir(), 'flatend-acme-'))
  onTestFinished(() => rmSync(storage, { recursive: true, force: true }))
  const secure = `${TOP}[[http]]
https = true
addr = "127.0.0.1:0"
http_addr = ""
domain = "a.test"
[http.acme]
directory = "https://127.0.0.1:1/dir"
storage = "${storage}"
`
  let text = TOP
  const gateway = await startGateway({
    config: parseConfig(text),
    log: silentLogger,
    node: {},
    load: () => Promise.resolve({ config: parseConfig(text), problems: [] }),
  })
  onTestFinished(() => gateway.stop())
  expect(gateway.node.services()).not.toContain('flatend.acme')
  text = secure
  expect(await gateway.reload('test')).toMatchObject({ ok: true, report: { needsRestart: [] } })
  expect(gateway.node.services()).toContain('flatend.acme')
  // What is not right is refused, and the old configuration goes on.
  text = secure.replace('[http.acme]\n', '[http.acme]\nca = "nowhere.pem"\n')
  const refused = await gateway.reload('test')
  expect(refused).toMatchObject({ ok: false })
  expect(refused.problems.join()).toContain('nowhere.pem')
  expect(gateway.listeners).toHaveLength(2)
})
