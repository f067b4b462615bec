// What a consistency token covers: of each key, how far into its list its carrier must see, and
// which operation says so.
//
// A cover never changes; one that was made of another shares with it whatever is equal, so that a
// million tokens, each a little more than the one before, fit into memory.
// (A map after Okasaki and Gill, "Fast Mergeable Integer Maps": big-endian, because keys that are
// used at one time have numbers near each other.)
// Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace rapport::history {

// At least so many tokens of a list, by the word of the operation `source`.
struct Need {
  uint32_t reach = 0;
  uint32_t source = 0;
};

class Covers {
 public:
  using Cover = uint32_t;
  static constexpr Cover kNothing = 0;

  // `cover`, and at least `need` of `key`.
  Cover Raised(Cover cover, uint32_t key, Need need);
  // What either covers.
  Cover Joined(Cover a, Cover b);
  Need Of(Cover cover, uint32_t key) const;

  // How many nodes there are, of 16 bytes each.
  size_t size() const { return size_; }

 private:
  // A leaf has bit 0 and a key; a branch parts keys by `bit`, and all below it have its prefix
  // above.
  struct Node {
    uint32_t bit = 0;
    uint32_t prefix = 0;  // a leaf's key
    uint32_t left = 0;    // a leaf's reach
    uint32_t right = 0;   // a leaf's source
  };

  Node At(Cover cover) const { return chunks_[cover / kChunk][cover % kChunk]; }
  Cover Make(Node node);
  Cover Branch(Node node, Cover a, Cover b);
  Cover Part(Cover a, Cover b);

  static constexpr uint32_t kChunk = 1 << 16;

  std::vector<std::unique_ptr<Node[]>> chunks_;
  uint32_t size_ = 1;  // kNothing is none
};

}  // namespace rapport::history
