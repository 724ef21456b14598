import type { TLSSocket } from 'node:tls'
import { keyText, newKey, placeholder } from '../acme/x509.ts'
import { expectThat } from '../contract/expect.ts'
import type { CertificateEntry, Exchange } from '../driver.ts'
import type { RawClient } from './raw-client.ts'
import { answerTo, bytes, type DriverCase, driverCase, GET, thrownBy } from './scene.ts'

const hello = (exchange: Exchange): void => {
  exchange.respond(200, [], { body: bytes(exchange.scheme) })
}

/** A certificate for `host`, signed by itself. */
function certificateFor(host: string, names: readonly string[] = [host]): CertificateEntry {
  const key = newKey()
  return { names, certificate: placeholder(host, key, Date.now()), key: keyText(key) }
}

function shownTo({ socket }: RawClient): string {
  return String((socket as TLSSocket).getPeerCertificate().subjectaltname)
}

function expectShown(client: RawClient, host: string, what: string): void {
  expectThat(shownTo(client) === `DNS:${host}`, `${what} is shown ${host}, not ${shownTo(client)}`)
}

/** TLS, and what a driver says of itself. */
export const tlsCases: readonly DriverCase[] = [
  driverCase('capabilities: no more than was asked for', async (scene) => {
    const plain = scene.make({ http2: true, maxHeaderSize: 8_192 }).capabilities
    expectThat(!plain.http2, 'there is no HTTP/2 without TLS')
    const { maxHeaderSize } = plain
    expectThat(maxHeaderSize > 0 && maxHeaderSize <= 8_192, `maxHeaderSize is ${maxHeaderSize}`)
    const { capabilities } = scene.make({ certificates: [certificateFor('a.test')], http2: false })
    expectThat(!capabilities.http2, 'there is no HTTP/2 where it is not wanted')
    await Promise.resolve()
  }),

  driverCase('setCertificates: new connections see them, open ones go on', async (scene) => {
    const before = [certificateFor('a.test'), certificateFor('b.test', ['b.test', '*.b.test'])]
    const { open, driver } = await scene.start(hello, { certificates: before })
    const named = await open({ tls: true, servername: 'x.b.test' })
    const nameless = await open({ tls: true })
    expectShown(named, 'b.test', 'a client that asks for x.b.test')
    expectShown(nameless, 'a.test', 'a client that names no host')
    for (const client of [named, nameless]) await answerTo(client.send(GET))
    driver.setCertificates([certificateFor('c.test', []), certificateFor('b.test')])
    expectShown(await open({ tls: true, servername: 'a.test' }), 'c.test', 'a new client')
    expectShown(await open({ tls: true, servername: 'b.test' }), 'b.test', 'a new client')
    for (const client of [named, nameless]) {
      const { status, body } = await answerTo(client.send(GET))
      expectThat(status === 200 && body.toString() === 'https', 'an open connection goes on')
    }
  }),

  driverCase('setCertificates: what cannot serve is refused, and the old stays', async (scene) => {
    const good = certificateFor('a.test')
    const bad = { ...good, key: certificateFor('a.test').key }
    const made = thrownBy(() => scene.make({ certificates: [bad] }), 'a driver with a wrong key')
    const { open, driver } = await scene.start(hello, { certificates: [good] })
    const set = thrownBy(() => driver.setCertificates([bad]), 'a wrong key')
    for (const { code } of [made, set]) {
      expectThat(code === 'FLATEND_GATEWAY_CONFIG', `it is no configuration: ${String(code)}`)
    }
    expectShown(await open({ tls: true, servername: 'a.test' }), 'a.test', 'a new client')
    const plain = scene.make()
    const { code } = thrownBy(() => plain.setCertificates([good]), 'a listener without TLS')
    expectThat(code === 'FLATEND_GATEWAY_STATE', `it has no TLS: ${String(code)}`)
  }),
]
