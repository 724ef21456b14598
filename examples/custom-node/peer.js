import { openChannel } from '@flatend/monte'
import { createConnection } from '@flatend/rpc'
import { RemoteProtocolError } from '@flatend/wire'

/** What a request gets that no layer here knows. */
const UNSUPPORTED = 7
const END_MALFORMED = 2

/**
 * One connection to another node. monte tells it what happens below, kademlia sees a peer in it, and
 * rpc runs its calls.
 */
export class Peer {
  /** The `host:port` this node dialed, `undefined` where the peer came to us. */
  dialed
  /** Calls of this connection, once it is open. */
  connection
  /** Resolves with this peer when the session is open. */
  opened
  #node
  #channel
  #settle
  #forget

  constructor(node, { link, role, dialed, key, onClose }) {
    this.#node = node
    this.#forget = onClose
    this.dialed = dialed
    this.opened = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.#channel = openChannel({
      ...node.session,
      link,
      role,
      receiver: this,
      ...(key && { expectedKey: key }),
    })
  }

  // --- monte tells ---

  onOpen() {
    const { clock, dispatch, offers, discovery } = this.#node
    const channel = this.#channel
    this.connection = createConnection({ channel, clock, dispatch, offers, peer: this })
    discovery.connected(this)
    this.#settle.resolve(this)
  }

  /** Each message belongs to one layer; its opcode says to which. */
  onMessage(seq, opcode, body) {
    try {
      if (this.connection.receive(opcode, body)) return
      if (this.#node.discovery.receive(this, { seq, opcode, body })) return
      if (seq !== 0) this.reply(seq, UNSUPPORTED)
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error
      this.#channel.fail(END_MALFORMED, error)
    }
  }

  onDrain() {
    this.connection?.onDrain()
  }

  onClose(error = new Error('the peer closed the connection')) {
    this.#forget()
    this.connection?.closed(error)
    this.#node.discovery.disconnected(this)
    this.#settle.reject(error)
  }

  // --- kademlia asks ---

  get key() {
    return this.#channel.peer.publicKey
  }

  get address() {
    return this.#channel.peer.address
  }

  get services() {
    return this.#channel.peer.services
  }

  get version() {
    return this.#channel.version
  }

  request(opcode, write, onReply) {
    this.#channel.request(opcode, write, onReply)
  }

  reply(seq, status, write) {
    this.#channel.reply(seq, status, write)
  }

  send(opcode, write) {
    write(this.#channel.begin(0, opcode))
    this.#channel.end()
  }

  /** Two connections to one node: this one finishes its calls and goes. */
  retire(reason) {
    this.connection.goAway(reason)
    if (this.connection.idle) this.close(reason)
    else this.connection.onIdle = () => this.close(reason)
  }

  close(reason) {
    this.#channel.close(0, reason)
  }
}
