# Writes FILES into OUT, a C++ source: what a browser gets is in the binary, byte by byte.
set(arrays "")
set(table "")
set(number 0)
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char kFile${number}[] = {${bytes}};\n")
  string(APPEND table "      {\"${name}\", {reinterpret_cast<const char*>(kFile${number}), sizeof kFile${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "#include \"gateway/console/files.h\"

namespace rapport::console {
namespace {
${arrays}}  // namespace

std::vector<File> Files() {
  return {
${table}  };
}

}  // namespace rapport::console
")
