"""All transactions of one proxy: which message belongs to which, and what each wants done."""

from sip_proxy.effects import ClientKey, Effects, Flow, ServerKey, Terminated, TransactionKey
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.transactions.invite_client import InviteClient
from sip_proxy.sip.transactions.invite_server import InviteServer
from sip_proxy.sip.transactions.non_invite_client import NonInviteClient
from sip_proxy.sip.transactions.non_invite_server import NonInviteServer
from sip_proxy.sip.transactions.timers import Timers

MAGIC_COOKIE = "z9hG4bK"  # RFC 3261 8.1.1.7

Server = InviteServer | NonInviteServer
Client = InviteClient | NonInviteClient


def server_key(request: Request) -> ServerKey:
    """RFC 3261 17.2.3: branch, sent-by and method; an ACK belongs to its INVITE."""
    via = request.top_via()
    method = "INVITE" if request.method == "ACK" else request.method
    branch = via.branch or ""
    if branch.startswith(MAGIC_COOKIE):
        return ServerKey(branch, via.sent_by, method)
    # RFC 2543 peers: there the branch says nothing, and the whole of what stays equal in a retransmission does.
    # The To tag is left out: the INVITE has none, its ACK has ours.
    identity = (request.uri, request.from_().tag or "", request.call_id, str(request.cseq.number), branch)
    return ServerKey("\n".join(identity), via.sent_by, method)


def client_key(response: Response) -> ClientKey:
    """RFC 3261 17.1.3: the branch of the top Via, and the method of CSeq."""
    return ClientKey(response.top_via().branch or "", response.cseq.method)


class TransactionLayer:
    """The tables of running transactions. Every method returns what is to be done."""

    def __init__(self, timers: Timers) -> None:
        self.timers = timers
        self._servers: dict[ServerKey, Server] = {}
        self._clients: dict[ClientKey, Client] = {}

    def __len__(self) -> int:
        return len(self._servers) + len(self._clients)

    def receive_request(self, request: Request) -> Effects | None:
        """Hands a request to its transaction; None when it has none, so that it is new (or a stray ACK)."""
        server = self._servers.get(server_key(request))
        return None if server is None else self._after(server.receive(request))

    def receive_response(self, response: Response) -> Effects | None:
        """Hands a response to its transaction; None when it has none: it is late or forged (RFC 6026 8.9)."""
        client = self._clients.get(client_key(response))
        return None if client is None else self._after(client.receive(response))

    def open_server(self, request: Request, flow: Flow) -> ServerKey:
        """Starts the transaction of a new request (not of an ACK)."""
        key = server_key(request)
        machine = InviteServer if request.method == "INVITE" else NonInviteServer
        self._servers[key] = machine(key, request, flow, self.timers)
        return key

    def invite_of(self, cancel: Request) -> ServerKey | None:
        """The INVITE transaction that a CANCEL means (RFC 3261 9.2), if it runs."""
        key = server_key(cancel)._replace(method="INVITE")
        return key if key in self._servers else None

    def last_response(self, key: ServerKey) -> Response | None:
        """What a running server transaction has answered so far."""
        server = self._servers.get(key)
        return None if server is None else server.last

    def server_flow(self, key: ServerKey) -> Flow | None:
        """Where the request of a running server transaction came from."""
        server = self._servers.get(key)
        return None if server is None else server.flow

    def respond(self, key: ServerKey, response: Response) -> Effects:
        """Sends a response in a server transaction; nothing when that is over."""
        server = self._servers.get(key)
        return () if server is None else self._after(server.respond(response))

    def open_client(self, request: Request, flow: Flow) -> tuple[ClientKey, Effects]:
        """Sends a request (not an ACK) whose top Via carries a new branch of ours."""
        key = ClientKey(request.top_via().branch or "", request.method)
        machine = InviteClient if request.method == "INVITE" else NonInviteClient
        client = machine(key, request, flow, self.timers)
        self._clients[key] = client
        return key, self._after(client.start())

    def fire(self, key: TransactionKey, timer: str) -> Effects:
        """A timer that SetTimer asked for has run out."""
        machine = self._find(key)
        return () if machine is None else self._after(machine.fire(timer))

    def transport_failed(self, key: TransactionKey) -> Effects:
        """What the transaction sent last could not be put on the wire."""
        machine = self._find(key)
        return () if machine is None else self._after(machine.transport_failed())

    def flow_lost(self, flow: Flow) -> Effects:
        """A connection is gone: what was sent on it and waits for its first answer has failed (RFC 3261 17.1.4)."""
        lost = [key for key, client in self._clients.items() if client.flow == flow]
        return tuple(effect for key in lost for effect in self.transport_failed(key))

    def abandon(self, key: TransactionKey) -> Effects:
        """Ends a transaction whose user waits for nothing more; its timers find nobody."""
        machine = self._find(key)
        return () if machine is None else self._after((Terminated(key, machine.call_id),))

    def _find(self, key: TransactionKey) -> Server | Client | None:
        return self._servers.get(key) if isinstance(key, ServerKey) else self._clients.get(key)

    def _after(self, effects: Effects) -> Effects:
        for effect in effects:
            if not isinstance(effect, Terminated):
                continue
            if isinstance(effect.owner, ServerKey):
                self._servers.pop(effect.owner, None)
            else:
                self._clients.pop(effect.owner, None)
        return effects
