// Our own server with a handler that does as little as the bare echo: a request of about 350
// bytes is parsed, about 450 bytes are answered. Prints its port and serves until its input ends.
#include <iostream>
#include <limits>

#include "rapport/service/v1/case.pb.h"
#include "services/runtime/rpc/server.h"

namespace {

class Constant : public rapport::Handler {
 public:
  Constant() {
    rapport::service::v1::Case answer;
    answer.set_description(std::string(447, 'r'));
    answer_ = answer.SerializeAsString();
  }
  void Handle(rapport::CallPtr call) override {
    Finish(std::move(call), rapport::Reply{.body = answer_});
  }

 private:
  std::string answer_;
};

}  // namespace

int main() {
  Constant handler;
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  rapport::GrpcServer server({.services = {pool->FindServiceByName("rapport.service.v1.Service")},
                              .handler = &handler,
                              .handles = [](const auto&) { return true; }});
  if (const absl::Status started = server.Start(); !started.ok()) {
    std::cerr << started << std::endl;
    return 1;
  }
  std::cout << server.port() << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
}
