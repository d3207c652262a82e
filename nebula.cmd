@echo off
rem Runs Nebula from a clone: builds it once, and again only when its sources have changed.
setlocal
set "root=%~dp0"
set "home=%root%artifacts\nebula"
set "stamp=%home%\.built"

set "current=no"
if exist "%stamp%" powershell -NoProfile -Command "$built = (Get-Item -LiteralPath $env:stamp).LastWriteTimeUtc; $changed = Get-ChildItem -LiteralPath (Join-Path $env:root 'src') -Recurse -File | Where-Object { $_.FullName -notmatch '\\(bin|obj)\\' -and $_.LastWriteTimeUtc -gt $built } | Select-Object -First 1; if ($changed) { exit 1 }" && set "current=yes"
if "%current%"=="yes" goto run

where dotnet >nul 2>nul || (echo error: building Nebula needs the .NET SDK: https://dotnet.microsoft.com/download 1>&2 & exit /b 1)
if not exist "%home%" mkdir "%home%"
echo Building Nebula (once; about a minute) ... 1>&2
set "rid=win-x64"
if /i "%PROCESSOR_ARCHITECTURE%"=="ARM64" set "rid=win-arm64"
set "options=--configuration Release --nologo -p:NuGetLockFilePath=obj/publish.lock.json -p:DebugType=none --output "%home%\bin""
dotnet publish "%root%src\Nebula.Cli" %options% --runtime %rid% --self-contained -p:PublishReadyToRun=true >"%home%\build.log" 2>&1 || dotnet publish "%root%src\Nebula.Cli" %options% >"%home%\build.log" 2>&1 || (type "%home%\build.log" 1>&2 & exit /b 1)
type nul >"%stamp%"

:run
if exist "%home%\bin\nebula.exe" (
  "%home%\bin\nebula.exe" %*
) else (
  dotnet "%home%\bin\nebula.dll" %*
)
exit /b %ERRORLEVEL%
