#include "services/runtime/rpc/keep_awake.h"

#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <utility>

#include "services/runtime/rpc/wire.h"

namespace rapport {
namespace {

// gRPC's threads go to sleep after one second; this leaves the other half of it to a busy machine.
constexpr std::chrono::milliseconds kPeriod{500};
// Unknown to every server, and so answered by gRPC itself.
constexpr char kNoMethod[] = "/rapport.KeepAwake/Nothing";

void CallNothing(grpc::GenericStub& stub) {
  grpc::ClientContext context;
  const grpc::ByteBuffer nothing = ToByteBuffer("");
  grpc::ByteBuffer response;
  std::promise<void> done;
  stub.UnaryCall(&context, kNoMethod, grpc::StubOptions(), &nothing, &response,
                 [&done](const grpc::Status&) { done.set_value(); });
  done.get_future().wait();
}

void Run(const std::stop_token& stop, std::shared_ptr<grpc::Channel> channel) {
  grpc::GenericStub stub(std::move(channel));
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    wake.wait_for(lock, stop, kPeriod, [] { return false; });
    if (!stop.stop_requested()) CallNothing(stub);
  }
}

}  // namespace

KeepAwake::KeepAwake(std::shared_ptr<grpc::Channel> channel)
    : thread_([channel = std::move(channel)](const std::stop_token& stop) { Run(stop, channel); }) {
}

}  // namespace rapport
