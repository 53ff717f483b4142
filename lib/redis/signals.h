// Keeps a broken connection from ending the process.
#pragma once

namespace llmbatch::redis {

// hiredis writes to sockets in a way that raises SIGPIPE when the peer has gone. Call it once, at
// the beginning of each thread that uses a Connection.
void BlockBrokenPipeSignal();

}  // namespace llmbatch::redis
