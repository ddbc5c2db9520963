"""What the tests share: channels, messages that are known by server reflection alone, and the vendor's ids."""

import itertools
import json
import os
import urllib.request

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

URL = os.environ["LINKBRIDGE_URL"]
GRPC = os.environ["LINKBRIDGE_GRPC"]
KEY = os.environ["LINKBRIDGE_KEY"]

# The fixtures of the vendor reference.
TENANT = "311700000000000009"
USER = "311800000000000001"
PROVIDER = "311900000000000002"
USERS = "zitadel.user.v2.UserService"

SUBJECTS = itertools.count(1)


def subject():
    """One of its own for each test, so that tests do not see each other's links."""
    return f"grpc-{next(SUBJECTS)}"


def make_user():
    headers = {"Authorization": f"Bearer {KEY}", "Linkbridge-Tenant": "acme", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{URL}/linkbridge/v1/users/{USER}", b"{}", headers, method="PUT")
    with urllib.request.urlopen(request, timeout=10) as answer:
        json.load(answer)


class Reflected:
    """A client that knows no message but by asking the server."""

    def __init__(self, channel):
        self.channel = channel
        self.database = ProtoReflectionDescriptorDatabase(channel)
        self.pool = DescriptorPool(self.database)

    def method(self, service, name):
        return self.pool.FindServiceByName(service).FindMethodByName(name)

    def call(self, service, name, members, key=KEY, **options):
        """Answers the message and the call, which has metadata and trailers."""
        method = self.method(service, name)
        request = GetMessageClass(method.input_type)(**members)
        answer = GetMessageClass(method.output_type)
        stub = self.channel.unary_unary(
            f"/{service}/{name}", request_serializer=lambda m: m.SerializeToString(), response_deserializer=answer.FromString
        )
        metadata = [("authorization", f"Bearer {key}")] if key else []
        return stub.with_call(request, metadata=metadata, **{"timeout": 10, **options})

    def add(self, link, **options):
        members = {"user_id": USER, "idp_link": {"idp_id": PROVIDER, "user_id": link, "user_name": "rosa"}}
        return self.call(USERS, "AddIDPLink", members, **options)


def connect(*interceptors):
    return grpc.intercept_channel(grpc.insecure_channel(GRPC), *interceptors)
