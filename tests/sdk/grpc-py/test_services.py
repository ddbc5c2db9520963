"""Server reflection and health, by the clients that gRPC ships for them."""

import time
import unittest

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

import support
from support import USERS, Reflected, connect

Ask = reflection_pb2.ServerReflectionRequest
V1 = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


class Reflection(unittest.TestCase):
    def setUp(self):
        self.channel = connect()
        self.addCleanup(self.channel.close)
        self.stub = reflection_pb2_grpc.ServerReflectionStub(self.channel)

    def ask(self, *questions, **options):
        return list(self.stub.ServerReflectionInfo(iter(questions), timeout=10, **options))

    def test_services_are_listed_each_once(self):
        services = list(Reflected(self.channel).database.get_services())
        self.assertEqual(len(services), len(set(services)))
        for name in (
            USERS,
            "zitadel.management.v1.ManagementService",
            "zitadel.user.v3alpha.UserService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        ):
            self.assertIn(name, services)

    def test_every_service_can_be_described(self):
        client = Reflected(self.channel)
        for name in client.database.get_services():
            service = client.pool.FindServiceByName(name)
            self.assertGreater(len(service.methods), 0)
            for method in service.methods:
                # Resolves every message that they are made of.
                support.GetMessageClass(method.input_type)()
                support.GetMessageClass(method.output_type)()
        add = client.method(USERS, "AddIDPLink")
        self.assertEqual([f.name for f in add.input_type.fields], ["user_id", "idp_link"])

    def test_each_question_is_answered_before_the_next_is_asked(self):
        first, second = Ask(list_services=""), Ask(file_containing_symbol=f"{USERS}.AddIDPLink")
        answered = []

        def questions():
            for question in (first, second, first):
                yield question
                while len(answered) < 1 or answered[-1].original_request != question:
                    time.sleep(0.01)
                answered.append(reflection_pb2.ServerReflectionResponse())

        for answer in self.stub.ServerReflectionInfo(questions(), timeout=10):
            answered.append(answer)
        kinds = [a.WhichOneof("message_response") for a in answered if a.HasField("original_request")]
        self.assertEqual(kinds, ["list_services_response", "file_descriptor_response", "list_services_response"])

    def test_what_is_not_there_is_an_answer_and_the_stream_goes_on(self):
        extension = reflection_pb2.ExtensionRequest(containing_type="zitadel.user.v2.IDPLink", extension_number=100)
        questions = [
            Ask(file_by_filename="no.proto"),
            Ask(file_containing_symbol="acme.No"),
            Ask(file_containing_extension=extension),
            Ask(all_extension_numbers_of_type="acme.No"),
            Ask(all_extension_numbers_of_type="zitadel.user.v2.IDPLink"),
        ]
        answers = self.ask(*questions)
        self.assertEqual([a.error_response.error_code for a in answers], [5, 5, 5, 5, 0])
        self.assertEqual([a.original_request for a in answers], questions)
        self.assertEqual(list(answers[-1].all_extension_numbers_response.extension_number), [])

    def test_fields_values_and_files_are_found(self):
        answers = self.ask(
            Ask(file_containing_symbol="zitadel.user.v2.IDPLink.idp_id"),
            Ask(file_containing_symbol="grpc.health.v1.HealthCheckResponse.SERVING"),
            Ask(file_by_filename="google/protobuf/timestamp.proto"),
            Ask(file_containing_symbol="google.protobuf.Timestamp"),
        )
        self.assertEqual([len(a.file_descriptor_response.file_descriptor_proto) > 0 for a in answers], [True] * 4)

    def test_both_versions_say_the_same(self):
        stub = self.channel.stream_stream(V1, Ask.SerializeToString, reflection_pb2.ServerReflectionResponse.FromString)
        new = list(stub(iter([Ask(list_services="")]), timeout=10))
        self.assertEqual(new, self.ask(Ask(list_services="")))

    def test_questions_may_be_compressed(self):
        answers = self.ask(Ask(list_services=""), compression=grpc.Compression.Gzip)
        self.assertEqual(len(answers), 1)

    def test_limits_end_the_stream(self):
        for questions, code in (
            ([Ask(file_containing_symbol="x" * 5000)], grpc.StatusCode.RESOURCE_EXHAUSTED),
            ([Ask(list_services="")] * 300, grpc.StatusCode.RESOURCE_EXHAUSTED),
            ([Ask()], grpc.StatusCode.INVALID_ARGUMENT),
        ):
            with self.assertRaises(grpc.RpcError) as caught:
                self.ask(*questions)
            self.assertEqual(caught.exception.code(), code)
        self.assertEqual(len(self.ask(Ask(list_services=""))), 1)
        self.assertEqual(self.ask(), [])


class Health(unittest.TestCase):
    def setUp(self):
        channel = connect()
        self.addCleanup(channel.close)
        self.stub = health_pb2_grpc.HealthStub(channel)

    def check(self, service):
        return self.stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status

    def test_the_server_and_its_services_are_serving(self):
        for service in ("", USERS):
            self.assertEqual(self.check(service), health_pb2.HealthCheckResponse.SERVING)

    def test_a_service_that_is_not_there_is_not_found(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.check("acme.v1.NoService")
        error = caught.exception
        self.assertEqual((error.code(), error.details()), (grpc.StatusCode.NOT_FOUND, "unknown service"))

    def test_watch_is_not_served(self):
        with self.assertRaises(grpc.RpcError) as caught:
            list(self.stub.Watch(health_pb2.HealthCheckRequest(), timeout=10))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
