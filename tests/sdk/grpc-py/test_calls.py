"""Calls by gRPC's own client for Python: unary calls, what comes of them, and their limits.

The codes, texts and details are those of the vendor reference, section 6; what a client makes of statuses and trailers
is gRPC's own specification.
"""

import unittest

import grpc
from grpc_status import rpc_status

import support
from support import KEY, USERS, Reflected, connect, subject


class Trailers(grpc.UnaryUnaryClientInterceptor):
    """Keeps what came after each answer."""

    def __init__(self):
        self.seen = []

    def intercept_unary_unary(self, continuation, details, request):
        call = continuation(details, request)
        self.seen.append((call.code(), dict(call.trailing_metadata() or ())))
        return call


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        support.make_user()

    def setUp(self):
        self.trailers = Trailers()
        self.channel = connect(self.trailers)
        self.addCleanup(self.channel.close)
        self.client = Reflected(self.channel)

    def refused(self, *args, **options):
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.call(*args, **options)
        return caught.exception

    def test_a_link_is_made_found_and_removed(self):
        mine = subject()
        made, _ = self.client.add(mine)
        self.assertEqual(made.details.resource_owner, support.TENANT)
        self.assertGreater(made.details.sequence, 0)
        self.assertGreater(made.details.change_date.seconds, 1_700_000_000)
        listed, _ = self.client.call(USERS, "ListIDPLinks", {"user_id": support.USER})
        self.assertIn((support.PROVIDER, mine, "rosa"), [(l.idp_id, l.user_id, l.user_name) for l in listed.result])
        where = {"user_id": support.USER, "idp_id": support.PROVIDER, "linked_user_id": mine}
        removed, _ = self.client.call(USERS, "RemoveIDPLink", where)
        self.assertEqual(removed.details.resource_owner, support.TENANT)
        self.assertEqual(self.refused(USERS, "RemoveIDPLink", where).code(), grpc.StatusCode.NOT_FOUND)

    def test_an_interceptor_reads_the_trailers(self):
        self.client.add(subject())
        self.assertEqual(self.trailers.seen, [(grpc.StatusCode.OK, {})])
        self.refused(USERS, "GetUserByID", {"user_id": "1"})
        self.assertEqual(self.trailers.seen[-1][0], grpc.StatusCode.NOT_FOUND)

    def test_details_of_a_failure_are_messages_of_the_vendor(self):
        mine = subject()
        self.client.add(mine)
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.add(mine)
        error = caught.exception
        self.assertEqual(error.code(), grpc.StatusCode.ALREADY_EXISTS)
        self.assertEqual(error.details(), "External IDP already taken (V3-DKcYh)")
        # Checks code and text against those of the binary form, too.
        status = rpc_status.from_call(error)
        self.assertEqual([any.type_url for any in status.details], ["type.googleapis.com/zitadel.v1.ErrorDetail"])
        message = self.client.pool.FindMessageTypeByName("zitadel.v1.ErrorDetail")
        detail = support.GetMessageClass(message)()
        self.assertTrue(status.details[0].Unpack(detail))
        self.assertEqual(detail.id, "V3-DKcYh")

    def test_a_call_without_a_credential_is_refused(self):
        error = self.refused(USERS, "GetUserByID", {"user_id": support.USER}, key=None)
        self.assertEqual((error.code(), error.details()), (grpc.StatusCode.UNAUTHENTICATED, "auth header missing"))

    def test_a_compressed_message_is_read(self):
        for _ in range(3):
            made, _ = self.client.add(subject() + "x" * 150, compression=grpc.Compression.Gzip)
            self.assertEqual(made.details.resource_owner, support.TENANT)
        # Not known here: the client is told so and may send again without.
        error = self.refused(USERS, "GetUserByID", {"user_id": support.USER}, compression=grpc.Compression.Deflate)
        self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_a_message_over_the_limit_is_refused(self):
        big = {"user_id": support.USER, "idp_link": {"idp_id": support.PROVIDER, "user_id": "x" * 2_000_000}}
        for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
            error = self.refused(USERS, "AddIDPLink", big, compression=compression)
            self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, error)
        # The connection is as good as before.
        self.client.add(subject())

    def test_deadlines_of_any_length_are_understood(self):
        # A short one would be judged by the client's own clock, so that what the server does is tested elsewhere.
        for timeout in (None, 30, 3_600, 10_000_000):
            self.client.add(subject(), timeout=timeout)

    def test_what_is_not_there_is_unimplemented(self):
        for path in (f"/{USERS}/NoSuchMethod", "/acme.v1.NoService/Get"):
            stub = self.channel.unary_unary(path, request_serializer=None, response_deserializer=None)
            with self.assertRaises(grpc.RpcError) as caught:
                stub(b"", metadata=[("authorization", f"Bearer {KEY}")], timeout=10)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED, path)

    def test_several_messages_are_no_unary_call(self):
        stub = self.channel.stream_unary(f"/{USERS}/GetUserByID", request_serializer=None, response_deserializer=None)
        for messages in ([], [b"", b""]):
            with self.assertRaises(grpc.RpcError) as caught:
                stub(iter(messages), metadata=[("authorization", f"Bearer {KEY}")], timeout=10)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_a_message_that_cannot_be_read_is_refused(self):
        stub = self.channel.unary_unary(f"/{USERS}/GetUserByID", request_serializer=None, response_deserializer=None)
        with self.assertRaises(grpc.RpcError) as caught:
            stub(b"\xff\xff", metadata=[("authorization", f"Bearer {KEY}")], timeout=10)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)

    def test_many_calls_share_a_connection(self):
        method = self.client.method(USERS, "ListIDPLinks")
        request = support.GetMessageClass(method.input_type)(user_id=support.USER).SerializeToString()
        stub = self.channel.unary_unary(f"/{USERS}/ListIDPLinks", request_serializer=None, response_deserializer=None)
        calls = [stub.future(request, metadata=[("authorization", f"Bearer {KEY}")], timeout=30) for _ in range(300)]
        self.assertEqual({call.code() for call in calls}, {grpc.StatusCode.OK})
