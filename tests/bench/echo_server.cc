// Bare gRPC, as its own generator makes it: takes about 350 bytes, answers about 450, and does
// nothing in between, not even parse. Prints its port and serves until its input ends.
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <iostream>
#include <limits>

#include "tests/bench/echo.grpc.pb.h"

namespace {

class EchoService : public bench::Echo::WithRawCallbackMethod_Echo<bench::Echo::Service> {
 public:
  EchoService() {
    bench::EchoMessage answer;
    answer.set_payload(std::string(447, 'r'));
    answer_ = grpc::Slice(answer.SerializeAsString());
  }

 private:
  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const grpc::ByteBuffer*,
                                 grpc::ByteBuffer* response) override {
    *response = grpc::ByteBuffer(&answer_, 1);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::Slice answer_;
};

}  // namespace

int main() {
  EchoService echo;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&echo);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::cout << port << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
}
