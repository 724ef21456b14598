import { TabNode } from './node.js'

const MEGABYTE = 1_048_576
const element = (id) => document.querySelector(`#${id}`)
const text = (bytes) => new TextDecoder().decode(bytes)
const show = (id, message) => {
  element(id).textContent = message
}

// The server says where its mesh is, so that this page need not know.
const seed = await (await fetch('mesh', { cache: 'no-store' })).text()
let answered = 0
let joining = performance.now()

const node = new TabNode({
  seed,
  services: {
    /** What only this tab knows. */
    tab: () => {
      show('answered', `${++answered}`)
      return `${element('words').value} (${document.title}, ${document.visibilityState})\n`
    },
    /** Shows what was posted, and gives it back. */
    note: (body) => {
      show('note', `${body.length} bytes: ${text(body.subarray(0, 80))}`)
      return body
    },
  },
  log(event) {
    if (event.type === 'peer-joined') {
      const took = Math.round(performance.now() - joining)
      show('state', `Joined the mesh through ${seed} in ${took} ms.`)
    } else if (event.type === 'peer-left') {
      joining = performance.now()
      show('state', 'The connection is gone. Trying again …')
    } else if (event.type === 'dial-failed') {
      const wait = (event.retryMs / 1_000).toFixed(1)
      joining = performance.now() + event.retryMs
      show('state', `Not joined: ${event.reason}. Trying again in ${wait} s …`)
    }
  },
})

element('ask').addEventListener('click', () => {
  void act(async () => `It is ${text(await node.call('clock'))}.`)
})

element('megabyte').addEventListener('click', () => {
  void act(async () => {
    const sent = randomBytes(MEGABYTE)
    const began = performance.now()
    const got = await node.call('echo', sent)
    const took = Math.round(performance.now() - began)
    const same = got.length === sent.length && got.every((byte, i) => byte === sent[i])
    return `${got.length} bytes came back, ${same ? 'unchanged' : 'CHANGED'}, in ${took} ms.`
  })
})

async function act(call) {
  show('result', '…')
  try {
    show('result', await call())
  } catch (error) {
    show('result', `That did not work: ${error.message}`)
  }
}

/** A browser gives 65,536 at a time. */
function randomBytes(length) {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 65_536)
    crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}
