import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseConfig } from '../../src/config/parse.ts'
import type { ListenerConfig } from '../../src/config/types.ts'
import { createCertificates } from '../../src/tls/certificates.ts'
import { A_CERTIFICATE, A_KEY } from '../drivers/fixtures.ts'

test('a listener that changes from files to a CA keeps its certificate until there is another', async () => {
  const base = mkdtempSync(join(tmpdir(), 'flatend-acme-'))
  onTestFinished(() => rmSync(base, { recursive: true, force: true }))
  writeFileSync(join(base, 'a.crt'), A_CERTIFICATE)
  writeFileSync(join(base, 'a.key'), A_KEY)
  const certificates = createCertificates({
    base,
    clock: { now: Date.now, setTimer: () => () => {} },
  })
  const open = (text: string) => {
    const config = parseConfig(`[[http]]\nhttps = true\nhttp_addr = ""\n${text}`)
    return certificates.open(config.listeners[0] as ListenerConfig, () => {})
  }
  const files = await open('[http.tls]\ncertificate = "a.crt"\nkey = "a.key"')
  const acme = '[http.acme]\ndirectory = "https://127.0.0.1:1/dir"'
  const ca = await open(`domains = ["a.test", "b.test"]\n${acme}`)
  files.close()
  expect(ca.entries.map(({ certificate }) => certificate === A_CERTIFICATE)).toEqual([true, false])
  const states = certificates.states()
  expect(states.map(({ names, source, placeholder }) => [names[0], source, placeholder])).toEqual([
    ['a.test', 'acme', false],
    ['b.test', 'acme', true],
  ])
  // Another one is due at once, whoever gave the old one.
  expect(states.every(({ renewAt = 0 }) => renewAt <= Date.now())).toBe(true)

  // Another name of the folder, the same CA: it goes on with what it has.
  const moved = await open(`domains = ["a.test"]\n${acme}\nstorage = "elsewhere"`)
  ca.close()
  expect(moved.entries[0]?.certificate).toBe(A_CERTIFICATE)
  moved.close()
  expect(certificates.states()).toEqual([])
})
