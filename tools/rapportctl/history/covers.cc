#include "tools/rapportctl/history/covers.h"

#include <algorithm>
#include <bit>

#include "services/runtime/base/status.h"

namespace rapport::history {
namespace {

bool IsLeft(uint32_t key, uint32_t bit) {
  return (key & bit) == 0;
}

// What of a key stands above the bit.
uint32_t Above(uint32_t key, uint32_t bit) {
  return key & ~(bit | (bit - 1));
}

}  // namespace

Covers::Cover Covers::Make(Node node) {
  Ensure(size_ != UINT32_MAX, "there is no memory for so many nodes");
  if (chunks_.size() * kChunk <= size_) chunks_.push_back(std::make_unique<Node[]>(kChunk));
  chunks_[size_ / kChunk][size_ % kChunk] = node;
  return size_++;
}

// `a` or `b` where it is one of these already. Of two that are equal always the older one: so those
// that were made apart become one, and need not be looked through when they meet again.
Covers::Cover Covers::Branch(Node node, Cover a, Cover b) {
  for (const Cover known : {std::min(a, b), std::max(a, b)}) {
    const Node other = At(known);
    if (other.bit == node.bit && other.left == node.left && other.right == node.right) {
      return known;
    }
  }
  return Make(node);
}

// A branch over two covers none of whose keys belongs into the other.
Covers::Cover Covers::Part(Cover a, Cover b) {
  const uint32_t key = At(a).prefix;
  const uint32_t bit = std::bit_floor(key ^ At(b).prefix);
  if (!IsLeft(key, bit)) std::swap(a, b);
  return Make({.bit = bit, .prefix = Above(key, bit), .left = a, .right = b});
}

Covers::Cover Covers::Raised(Cover cover, uint32_t key, Need need) {
  if (Of(cover, key).reach >= need.reach) return cover;
  return Joined(cover, Make({.prefix = key, .left = need.reach, .right = need.source}));
}

Covers::Cover Covers::Joined(Cover a, Cover b) {
  if (a == b || b == kNothing) return a;
  if (a == kNothing) return b;
  if (At(a).bit < At(b).bit) std::swap(a, b);
  Node first = At(a);
  const Node second = At(b);
  if (first.bit == second.bit) {
    if (first.prefix != second.prefix) return Part(a, b);
    if (first.bit == 0) {
      if (first.left == second.left) return std::min(a, b);
      return first.left > second.left ? a : b;
    }
    first.left = Joined(first.left, second.left);
    first.right = Joined(first.right, second.right);
    return Branch(first, a, b);
  }
  if (Above(second.prefix, first.bit) != first.prefix) return Part(a, b);
  uint32_t& side = IsLeft(second.prefix, first.bit) ? first.left : first.right;
  side = Joined(side, b);
  return Branch(first, a, a);
}

Need Covers::Of(Cover cover, uint32_t key) const {
  while (cover != kNothing) {
    const Node node = At(cover);
    if (node.bit == 0) return node.prefix == key ? Need{node.left, node.right} : Need{};
    cover = IsLeft(key, node.bit) ? node.left : node.right;
  }
  return {};
}

}  // namespace rapport::history
